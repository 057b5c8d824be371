"""Line-level trace of values in the user's own code, for finding the line whose values differ first.

After every executed line, the values of the names that it stores or touches are fingerprinted and recorded as one event, named and
located "path:line". Comparison then needs no more than the first differing event. The trace is cut where it would cost too much, and says so.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR, CO_VARARGS, CO_VARKEYWORDS
from types import CodeType, FrameType, FunctionType
from typing import TYPE_CHECKING, Any

from reprotest.probe.fingerprint import Fingerprint
from reprotest.probe.line_names import Touched, loop_lines, touched_by_line
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child

_STARTED = time.monotonic()
_DENSE = 256
"""So many executions of one line are all recorded; of later ones ever fewer."""
_MOST_EVENTS = 300_000
_MOST_COST = 60_000_000
"""Work that fingerprints may cost in one thread, in the units of `Fingerprint.cost`. Counted, not timed: every run must stop at the same place."""
_FRAME = 128
"""Events per frame."""

Trace = Callable[[FrameType, str, Any], Any]


def install(child: Child) -> None:
    """Trace every thread of this process from now on."""
    if child.is_worker:
        return
    tracer = LineTracer(child)
    threading.settrace(tracer.called)
    sys.settrace(tracer.called)
    child.at_exit(tracer.finish)


class _Code:
    """What is known of one code object of the user's."""

    __slots__ = ("location", "loops", "parameters", "resumes", "shown", "touched")

    def __init__(self, code: CodeType, shown: str) -> None:
        self.shown = shown
        self.resumes = bool(code.co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR))
        self.touched = touched_by_line(code)
        self.loops = loop_lines(code)
        self.location = {line: f"{shown}:{line}" for line in self.touched}
        positional = code.co_argcount + code.co_kwonlyargcount
        extra = bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
        self.parameters = code.co_varnames[: positional + extra]


class _Thread(threading.local):
    """Work done so far in one thread."""

    def __init__(self) -> None:
        self.fingerprint = Fingerprint()
        self.counts: defaultdict[CodeType, dict[int, int]] = defaultdict(dict)
        self.events = 0
        self.cut = _is_pool_thread()


class LineTracer:
    """A trace function for all threads of a process (`sys.settrace`)."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._codes: dict[CodeType, _Code | None] = {}
        self._thread = _Thread()

    def called(self, frame: FrameType, event: str, argument: Any) -> Trace | None:
        """Global trace function: says for each new frame whether its lines are wanted."""
        code = frame.f_code
        try:
            known = self._codes[code]
        except KeyError:
            known = self._codes[code] = self._learn(code)
        if known is None or self._thread.cut:
            return None
        counts = self._thread.counts[code]
        resumed = known.resumes and code.co_firstlineno != frame.f_lineno
        if known.parameters and not resumed and code.co_name[0] != "<":
            self._arguments(frame, known, counts)
        return self._local(known, counts, frame.f_lineno if resumed else None)

    @staticmethod
    def write(child: Child) -> None:
        """Write the lines so far as a frame. Its "step" is the time in milliseconds: threads' traces have no other common order."""
        child.commit(int(1000 * (time.monotonic() - _STARTED)))

    def finish(self) -> None:
        """Stop tracing this thread and write what is left."""
        sys.settrace(None)
        self.write(self._child)

    def _learn(self, code: CodeType) -> _Code | None:
        try:
            shown = self._child.shown(code)
            return None if shown is None else _Code(code, shown)
        except Exception as error:
            self._child.note(f"lines of {code.co_filename} could not be traced: {error!r}")
            return None

    def _local(self, known: _Code, counts: dict[int, int], last: int | None) -> Trace:
        """The local trace function of one frame. A line has been executed when the next one begins or the frame ends."""

        def trace(frame: FrameType, event: str, argument: Any) -> Trace:
            nonlocal last
            if event == "line":
                if last is not None:
                    self._executed(frame, known, counts, last)
                last = frame.f_lineno
            elif event == "return" and last is not None:
                self._executed(frame, known, counts, last, (argument,))
            return trace

        return trace

    # --- what a line did ----------------------------------------------------------------------------------------

    def _executed(
        self, frame: FrameType, known: _Code, counts: dict[int, int], line: int, returned: tuple[Any, ...] = ()
    ) -> None:
        count = counts[line] = counts.get(line, 0) + 1
        if count > _DENSE and not _sampled(count):
            return
        touched = known.touched.get(line, ())
        if not touched and (not returned or returned[0] is None):
            return
        location = known.location.get(line)
        if location is None:
            location = known.location[line] = f"{known.shown}:{line}"
        try:
            self._record(location, [*self._values(frame, touched), *returned], loops=line in known.loops)
        except Exception as error:
            self._child.note(f"the values of line {location} could not be traced: {error!r}")

    def _arguments(self, frame: FrameType, known: _Code, counts: dict[int, int]) -> None:
        """Arguments belong to the line that made the call, if that is the user's."""
        count = counts[0] = counts.get(0, 0) + 1
        if count > _DENSE and not _sampled(count):
            return
        try:
            caller = frame.f_back
            shown = self._child.shown(caller.f_code) if caller is not None else None
            if caller is None or shown is None:  # called back by a library
                location = f"{known.shown}:{frame.f_code.co_firstlineno}"
            else:
                location = f"{shown}:{caller.f_lineno}"
            values = [frame.f_locals.get(name) for name in known.parameters]
            self._record(location, [value for value in values if not self._is_own(value)])
        except Exception as error:
            self._child.note(
                f"the arguments of {frame.f_code.co_qualname} in {known.shown} could not be traced: {error!r}"
            )

    def _record(self, location: str, values: list[Any], *, loops: bool = False) -> None:
        mine = self._thread
        stream = self._child.stream_here()
        if mine.cut or stream is None:
            return
        mine.fingerprint.results = loops
        digest = mine.fingerprint.of(*values)
        stream.writer.event(location, Phase.OUTPUT, digest, location=location)
        mine.events += 1
        if mine.events % _FRAME == 0:
            self.write(self._child)
        if mine.events > _MOST_EVENTS or mine.fingerprint.cost > _MOST_COST:
            mine.cut = True
            self._child.note(f"the trace of lines ends at {location}: it had become too long ({mine.events} lines)")

    def _values(self, frame: FrameType, touched: tuple[Touched, ...]) -> list[Any]:
        local, outer = frame.f_locals, frame.f_globals
        values = []
        for root, attributes, method in touched:
            if root in local:
                value = local[root]
            elif root in outer:
                value = outer[root]
            else:
                continue
            for name in attributes:
                inner = _plain_attribute(value, name)
                if inner is _MISSING:
                    break
                value = inner
            if type(value) is type(sys):
                continue
            if isinstance(value, (type, FunctionType)):  # which one a loop is at; what is in it shows where it runs
                value = f"{value.__module__}.{value.__qualname__}"
            if method is not None and self._is_own_method(value, method):
                continue
            values.append(value)
        return values

    def _is_own(self, value: Any) -> bool:
        """An object of the user's own classes: its attributes show on the lines that touch them."""
        init = type(value).__dict__.get("__init__")
        return isinstance(init, FunctionType) and self._child.shown(init.__code__) is not None

    def _is_own_method(self, value: Any, name: str) -> bool:
        """Is the method the user's own code? Then its lines are traced, and the object need not be looked at here."""
        for kind in type(value).__mro__:
            if name in kind.__dict__:
                method = kind.__dict__[name]
                return isinstance(method, FunctionType) and self._child.shown(method.__code__) is not None
        return False


_MISSING = object()


def _plain_attribute(value: Any, name: str) -> Any:
    """An attribute kept in the object itself, without running properties or `__getattr__`."""
    if type(value) is type(sys):
        return value.__dict__.get(name, _MISSING)
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return _MISSING
    if name in own:
        return own[name]
    for group in ("_parameters", "_buffers", "_modules"):  # torch.nn.Module
        members = own.get(group)
        if type(members) is dict and name in members:
            return members[name]
    return _MISSING


def _is_pool_thread() -> bool:
    """Which task a pool's thread gets is chance, so its lines are no trace that could be compared."""
    target = getattr(threading.current_thread(), "_target", None)
    return getattr(target, "__module__", None) in ("concurrent.futures.thread", "multiprocessing.pool")


def _sampled(count: int) -> bool:
    """Later executions of a line that are recorded all the same: every 64th, then every 4096th."""
    return count % (64 if count < 16_384 else 4096) == 0
