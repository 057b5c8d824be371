"""The probe inside a process under test: settings, call sites, notes, seeded streams and the stream of events."""

from __future__ import annotations

import _thread
import atexit
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from reprotest.digest import fingerprint, sketch
from reprotest.factors import Factor, Setting, all_factors
from reprotest.probe import environment, process
from reprotest.probe.event_stream import EventStream
from reprotest.probe.imports import ImportHooks
from reprotest.probe.notes import Notes
from reprotest.probe.plan import Plan
from reprotest.probe.sites import Sites
from reprotest.probe.streams import SeededStreams
from reprotest.record.event import Phase
from reprotest.record.writer import StreamWriter
from reprotest.secrets import mask_command

_exit = os._exit
_getpid = os.getpid  # kept before the process.id factor replaces it
_environment = os.environ

SILENT = "REPROTEST_SILENT"
"""Environment variable of processes in which nothing is recorded."""

_FAREWELL = 3.0
"""Seconds that a program has for what it does at its exit, where it is ended early."""
_sleep, _start_thread = time.sleep, _thread.start_new_thread  # the real ones, before any factor replaces them

current: Child | None = None
"""The probe of this process; None outside of a run."""


class Child:
    """One process of a run. Implements `reprotest.factors.base.Inside`, and more for the probes."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.level = plan.level
        self.window = plan.window
        self._run_dir = plan.run_dir
        self._sites = Sites(plan.cwd, process.typed_code())
        self._base_key = process.executed_key()
        self._inherited_name: str | None = None
        self._fork = 0
        self._forks = 0
        self._local = threading.local()
        self._main_thread = threading.main_thread()
        self._open: list[EventStream] = []
        self._recording = SILENT not in _environment
        self._imports = ImportHooks(
            lambda name, error: self.note(f"the probe for {name} could not be set up: {error!r}")
        )
        self._streams = SeededStreams()
        self._before_exit: list[Callable[[], None]] = []
        self.releases: list[Callable[[], None]] = []
        """What hands events to the calling thread's writer that a probe still holds back."""
        self._finished = False
        self._closed = False
        self._saving = False
        self._parent_key = self._base_key
        self._notes = self._new_notes()
        _environment[process.PARENT] = self._base_key

    # --- who we are ---------------------------------------------------------------------------------------------

    @property
    def process_key(self) -> str:
        """Names this process the same way in every run."""
        # Not cached: multiprocessing names a forked child only after our fork hook ran.
        name = process.multiprocessing_name()
        if name is not None and name != self._inherited_name:
            return f"{self._base_key}/{name}"
        return f"{self._base_key}/fork{self._fork}" if self._fork else self._base_key

    @property
    def is_worker(self) -> bool:
        """A DataLoader worker or a pool's worker: what it does is not compared."""
        return process.is_loader_worker() or process.is_pool_worker()

    # --- factors.base.Inside ------------------------------------------------------------------------------------

    def setting(self, factor_id: str) -> Setting | None:
        return self.plan.factors.get(factor_id)

    def on_import(self, module: str, then: Callable[[ModuleType], None]) -> None:
        self._imports.add(module, then)

    def site(self, depth: int = 1) -> str | None:
        return self._sites.here(sys._getframe(depth))

    def caller_is_user(self, depth: int = 2) -> bool:
        return self._sites.is_user(sys._getframe(depth))

    def shown(self, code: Any) -> str | None:
        """The file of a code object as reports show it; None when it is not the user's."""
        return self._sites.shown(code)

    def is_users(self, file: str) -> bool:
        """Is a file the user's own code?"""
        return self._sites.of_file(file) is not None

    def used(self, factor_id: str, site: str | None = None, calls: int = 1) -> None:
        is_new = self._notes.used(factor_id, site, calls)
        if is_new and site is not None and not self._saving and process.multiprocessing_name() is not None:
            # Pools and data loaders may kill their workers at any time, and that this happened at all is what counts.
            self._saving = True
            self._notes.write()
            self._saving = False

    def note(self, sentence: str) -> None:
        """Say something in the report, under what could not be observed."""
        self._notes.say(sentence)

    def put(self, key: str, value: Any) -> None:
        """Leave plain data for the diagnosis under a key of its own."""
        self._notes.put(key, value)

    def save(self, *, now: bool = True) -> None:
        """Write the notes; they are lost where a process is killed before. With now=False only once in a while."""
        self._notes.write(now=now)

    def at_exit(self, then: Callable[[], None]) -> None:
        """Call `then()` before the notes are written for the last time, however Python ends the process."""
        self._before_exit.append(then)

    def stream(self, factor_id: str, site: str | None, n: int) -> bytes:
        setting = self.plan.factors[factor_id]
        return self._streams.take(setting, factor_id, self.process_key, site, n)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Nothing that happens in here is recorded; afterwards everything is as in a process that has just been started."""
        self._recording = False
        _environment[SILENT] = "1"
        try:
            yield
        finally:
            _environment.pop(SILENT, None)
            self._recording = True
            self._local = threading.local()
            self._forks = 0
            self._streams.reset()

    # --- events -------------------------------------------------------------------------------------------------

    @property
    def step(self) -> int:
        """Completed steps of the calling thread."""
        stream = self._stream()
        return stream.step if stream is not None else 0

    @property
    def steps_done(self) -> int | None:
        """Completed steps of the calling thread; None for one that has left no event, which this does not make begin a stream."""
        stream: EventStream | None = getattr(self._local, "stream", None)
        return stream.step if stream is not None else None

    def in_window(self) -> bool:
        """Are the finer level and the keeping of values active now?"""
        if self.window is None:
            return False
        return self.window[0] <= self.step <= self.window[1]

    def keeps_values(self, step: int) -> bool:
        """Are values kept beside digests at that step?"""
        window = self.window
        return self.plan.values and (step in self.plan.keep or (window is not None and window[0] <= step <= window[1]))

    def in_main_thread(self) -> bool:
        return threading.current_thread() is self._main_thread

    def stream_here(self) -> EventStream | None:
        """The calling thread's stream; None where nothing is compared (workers, a failed disk)."""
        return self._stream()

    def writer(self) -> StreamWriter | None:
        """The calling thread's writer; None where nothing is compared."""
        stream = self._stream()
        return stream.writer if stream is not None else None

    def observe(
        self, name: str, phase: Phase, value: Any, *, op: str | None = None, location: str | None = None
    ) -> None:
        """Record one value: digest and sketch, and inside the window the value itself. Takes effect at the next commit."""
        stream = self._stream()
        if stream is None:
            return
        digest, dtype, shape = fingerprint(value)
        a, b = sketch(value)
        try:
            if stream.values is not None and self.keeps_values(stream.step):
                stream.values.put_value(stream.writer.frames, stream.writer.pending, value)
            stream.writer.event(name, phase, digest, a, b, op=op, dtype=dtype, shape=shape, location=location)
        except OSError as error:
            self._stop_recording(error)

    def occurrence(self, name: str) -> int:
        """How often a value of this name was observed before in this thread."""
        stream = self._stream()
        if stream is None:
            return 0
        count = stream.seen.get(name, 0)
        stream.seen[name] = count + 1
        return count

    def commit(self, step: int | None = None, *, soon: bool = False) -> None:
        """Write the events since the last commit as one frame, now or `soon`, without completing a step."""
        stream = self._stream()
        if stream is None:
            return
        try:
            stream.writer.commit(stream.step if step is None else step, soon=soon)
        except OSError as error:
            self._stop_recording(error)
        self._notes.write(now=False)

    def part(self) -> None:
        """Write what the step under way has left so far as a frame of its own, however finely the step is observed."""
        for release in self.releases:
            release()
        writer = self.writer()
        if writer is not None and writer.pending:
            self.commit()

    def end_step(self) -> None:
        """Write the frame of the step that is now complete; ends the program where the plan says so."""
        stream = self._stream()
        if stream is None:
            return
        self.commit(soon=True)
        finished = stream.step
        stream.step += 1
        if self.plan.stop_after_step is not None and finished >= self.plan.stop_after_step and self.in_main_thread():
            self.stop()

    def stop(self) -> None:
        """End this process because the plan wants no more of it.

        What the program has registered for its exit is carried out (a lock file is deleted, say), for as long as that takes no longer
        than `_FAREWELL`.
        """
        self.finish()
        try:
            Path(self._run_dir, "stopped").touch()
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError):
            pass
        _start_thread(_end_later, ())
        with suppress(Exception):
            atexit._run_exitfuncs()
        _exit(0)

    def finish(self) -> None:
        """Flush everything; safe to call more than once."""
        if self._finished:
            return
        self._finished = True
        for then in self._before_exit:
            try:
                then()
            except Exception as error:
                self.note(f"a probe failed at exit: {error!r}")
        self._closed = True
        self.put("modules", sorted({name.partition(".")[0] for name in list(sys.modules)} - sys.stdlib_module_names))
        if not self.is_worker:
            self.put("readings", {f.id: _reading(f) for f in all_factors() if f.inside})
        for stream in self._open:
            try:
                stream.close()
            except OSError as error:
                self._stop_recording(error)
        self._open.clear()
        self._notes.write()

    # --- inside -------------------------------------------------------------------------------------------------

    def _stream(self) -> EventStream | None:
        try:
            known: EventStream | None = self._local.stream
            return known
        except AttributeError:
            pass
        stream = None
        if self._recording and not self.is_worker and not self._closed:
            thread = threading.current_thread()
            if process.is_pool_thread(thread):
                self.note(
                    "what the worker threads of a pool do is not compared: which task each of them gets is chance"
                )
            else:
                key = self.process_key if thread is self._main_thread else f"{self.process_key}/{thread.name}"
                try:
                    stream = self._new_stream(key)
                except OSError as error:
                    self._stop_recording(error)
        self._local.stream = stream
        return stream

    def _new_stream(self, key: str) -> EventStream:
        stream = EventStream.begin(self._run_dir, key, values=self.plan.values)
        self._open.append(stream)
        return stream

    def _stop_recording(self, error: OSError) -> None:
        self._recording = False
        self._local.stream = None
        self._open.clear()
        self.put("recording_stopped", str(error))
        self.note(f"recording stopped: {error}")

    def _new_notes(self) -> Notes:
        path = Path(self._run_dir, "watch", f"{_getpid()}.json")
        return Notes(
            str(path), lambda: {"pid": _getpid(), "key": self.process_key, "program": mask_command(sys.orig_argv)[:4]}
        )

    def before_fork(self) -> None:
        self._forks += 1
        self._parent_key = self.process_key

    def after_fork_in_child(self) -> None:
        """A forked child is another process: other key, other streams, and none of the parent's unwritten events."""
        self._base_key = self._parent_key
        self._inherited_name = process.multiprocessing_name()
        self._fork, self._forks = self._forks, 0
        self._local = threading.local()
        self._main_thread = threading.current_thread()
        for stream in self._open:
            stream.writer.abandon()
        self._open = []
        self._finished = False
        self._closed = False
        self._streams.reset()
        self._notes = self._new_notes()


def _end_later() -> None:
    _sleep(_FAREWELL)
    _exit(0)


def _reading(factor: Factor) -> dict[str, Any]:
    try:
        return dict(factor.read())
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def start(plan_path: str) -> None:
    """Set up the probe of this process. Called once, by the bootstrap, before the program."""
    global current
    if process.is_helper():
        return
    child = current = Child(Plan.read(plan_path))
    child._imports.install()
    environment.install()
    _flush_before_exit(child)
    for factor in all_factors():
        try:
            factor.watch(child)
        except Exception as error:
            child.note(f"{factor.id} could not be watched: {error!r}")
    from reprotest.probe import install_probes, rehearsal

    install_probes(child)
    rehearsal.install(child)


def _flush_before_exit(child: Child) -> None:
    atexit.register(child.finish)
    os.register_at_fork(before=child.before_fork, after_in_child=child.after_fork_in_child)

    def exit_flushed(status: int) -> None:
        child.finish()
        _exit(status)

    os._exit = exit_flushed  # type: ignore[assignment]  # multiprocessing's children leave through it
