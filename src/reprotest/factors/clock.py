"""Wall, monotonic and performance clocks as the user's code reads them.

Libraries keep the real time: their time-outs, back-offs and progress bars must work. The user's code sees a clock that moves on by
one tick with every reading and by what it sleeps, so that a pinned program repeats and `while time.time() < end` still ends.
"""

from __future__ import annotations

import datetime
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from reprotest.factors import _native_clock, _patch
from reprotest.factors._callers import DirectCallers
from reprotest.factors._source import InSource
from reprotest.factors._timers import Timers
from reprotest.factors._virtual_time import SECOND, VirtualTime
from reprotest.factors.base import Factor, Inside

_THROUGH = frozenset(
    {"arrow", "dateutil", "email", "pandas", "pendulum", "reprotest.factors._pretended_locale", "uuid"}
)
"""Modules that hand the time on to whoever called them."""
_NATIVE = frozenset({"polars"})
"""Packages whose native code seeds its hash maps from the clock."""

_COUNTERS = {
    "time": "wall",
    "monotonic": "monotonic",
    "perf_counter": "performance",
    "process_time": "process",
    "thread_time": "process",
}
_IDS = {
    "CLOCK_REALTIME": "wall",
    "CLOCK_REALTIME_COARSE": "wall",
    "CLOCK_MONOTONIC": "monotonic",
    "CLOCK_MONOTONIC_RAW": "monotonic",
    "CLOCK_MONOTONIC_COARSE": "monotonic",
    "CLOCK_BOOTTIME": "monotonic",
    "CLOCK_PROCESS_CPUTIME_ID": "process",
    "CLOCK_THREAD_CPUTIME_ID": "process",
}


class Clock(Factor):
    """The time as a number in the program."""

    id = "clock"
    what = "the time: what the program does depends on a clock, or on how fast the machine is"
    fix = "keep the time out of seeds, orders and decisions: take the seed from the configuration, and count steps instead of seconds"
    repeats = True
    order = 31
    source = InSource(
        values=(
            "time.time",
            "time.time_ns",
            "time.monotonic*",
            "time.perf_counter*",
            "time.process_time*",
            "datetime.datetime.now",
            "datetime.datetime.utcnow",
            "datetime.datetime.today",
            "datetime.date.today",
        )
    )

    def acts_unseen(self, modules: frozenset[str]) -> bool:
        return bool(modules & _NATIVE)

    def watch(self, inside: Inside) -> None:
        _Watch(inside).install()
        setting = inside.setting(self.id)
        if setting is not None:
            _native_clock.install(setting.variant_at(None), inside.note)

    def perturb(self, k: int) -> str | None:
        return "another date and time of day, a clock of another speed" if k == 1 else None


class _Watch:
    """Watches one process's readings by the user's code, and answers them where there is a setting."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._callers = DirectCallers(inside, _THROUGH)
        setting = inside.setting(Clock.id)
        self._time = VirtualTime(setting) if setting is not None else None
        self._undo: list[Callable[[], None]] = []

    def install(self) -> None:
        for name, clock in _COUNTERS.items():
            if hasattr(time, name):
                self._counter(name, clock)
        self._clock_gettime()
        self._calendar()
        self._datetime()
        self._inside.on_import("uuid", self._uuid1)
        self._inside.on_import("signal", Timers(self._inside, self._fired).install)
        if self._time is not None:
            self._sleep(self._time)
            self._threads(self._time)
        sys.meta_path.insert(0, _Before("_time_machine", self._step_aside))

    def _step_aside(self) -> None:
        """time-machine writes into the C functions that it expects to find here; with ours it would write elsewhere."""
        for undo in self._undo:
            undo()
        self._inside.note("clocks were left alone, because the program replaces them itself (time-machine)")

    def _replace(self, name: str, call: Callable[..., Any]) -> None:
        self._undo.append(partial(setattr, time, name, getattr(time, name)))
        _patch.replace(time, name, call)

    def _now(self, clock: str, depth: int = 3) -> int | None:
        """Note a reading that the user's code makes. Returns it in nanoseconds if the clock is pinned, None if the real one is due."""
        is_user, site = self._callers.site(depth)
        if not is_user:
            return None
        self._inside.used(Clock.id, site)
        return None if self._time is None else self._time.read(clock, site)

    def _fired(self, site: str | None) -> None:
        self._inside.used(Clock.id, site)
        if self._time is not None:
            self._inside.put(
                "gave_up", f"{Clock.id}: the timer that is set at {site} interrupts the program at any moment"
            )

    # --- module time --------------------------------------------------------------------------------------------

    def _counter(self, name: str, clock: str) -> None:
        now = self._now
        seconds, nanoseconds = getattr(time, name), getattr(time, f"{name}_ns")

        def read(_self: object) -> float:
            value = now(clock)
            return seconds() if value is None else value / SECOND

        def read_ns(_self: object) -> int:
            value = now(clock)
            return nanoseconds() if value is None else value

        self._replace(name, read)
        self._replace(f"{name}_ns", read_ns)

    def _clock_gettime(self) -> None:
        if not hasattr(time, "clock_gettime"):
            return
        now, original, original_ns = self._now, time.clock_gettime, time.clock_gettime_ns
        known = {getattr(time, name): clock for name, clock in _IDS.items() if hasattr(time, name)}

        def clock_gettime(_self: object, clk_id: int, /) -> float:
            value = now(known[clk_id]) if clk_id in known else None
            return original(clk_id) if value is None else value / SECOND

        def clock_gettime_ns(_self: object, clk_id: int, /) -> int:
            value = now(known[clk_id]) if clk_id in known else None
            return original_ns(clk_id) if value is None else value

        self._replace("clock_gettime", clock_gettime)
        self._replace("clock_gettime_ns", clock_gettime_ns)

    def _calendar(self) -> None:
        """Functions that take the present moment when they are given none."""
        now = self._now
        localtime, asctime, strftime = time.localtime, time.asctime, time.strftime

        def from_seconds(original: Callable[..., Any]) -> Callable[..., Any]:
            def call(_self: object, *seconds: Any) -> Any:
                value = now("wall") if not seconds or seconds == (None,) else None
                return original(*seconds) if value is None else original(value // SECOND)

            return call

        def held_asctime(_self: object, *moment: Any) -> str:
            value = now("wall") if not moment else None
            return asctime(*moment) if value is None else asctime(localtime(value // SECOND))

        def held_strftime(_self: object, format: str, *moment: Any) -> str:
            value = now("wall") if not moment else None
            return strftime(format, *moment) if value is None else strftime(format, localtime(value // SECOND))

        for name in ("gmtime", "localtime", "ctime"):
            self._replace(name, from_seconds(getattr(time, name)))
        self._replace("asctime", held_asctime)
        self._replace("strftime", held_strftime)

    def _sleep(self, virtual: VirtualTime) -> None:
        inside, original = self._inside, time.sleep

        def sleep(_self: object, seconds: float, /) -> None:
            original(seconds)
            if inside.caller_is_user(2):
                virtual.slept(seconds)

        self._replace("sleep", sleep)

    # --- datetime and uuid --------------------------------------------------------------------------------------

    def _datetime(self) -> None:
        """The C implementation's classes; subclasses (pandas.Timestamp) and Cython code look the methods up there too."""
        now = self._now
        date, moment = datetime.date, datetime.datetime
        kept = {name: moment.__dict__[name].__get__ for name in ("now", "utcnow")}
        kept_today = date.__dict__["today"].__get__

        def held_now(cls: Any, tz: datetime.tzinfo | None = None) -> Any:
            value = now("wall")
            return kept["now"](None, cls)(tz) if value is None else _moment(cls, value, tz)

        def held_utcnow(cls: Any) -> Any:
            value = now("wall")
            if value is None:
                return kept["utcnow"](None, cls)()
            return _moment(cls, value, datetime.UTC).replace(tzinfo=None)

        def held_today(cls: Any) -> Any:
            value = now("wall")
            if value is None:
                return kept_today(None, cls)()
            return _moment(cls, value, None) if issubclass(cls, moment) else cls.fromtimestamp(value // SECOND)

        for kind, name, held in (
            (moment, "now", held_now),
            (moment, "utcnow", held_utcnow),
            (date, "today", held_today),
        ):
            self._undo.append(_patch.patch_type(kind, name, classmethod(_patch.like(kind.__dict__[name])(held))))

    def _uuid1(self, uuid: Any) -> None:
        """Time-based ids. libuuid takes the time (and a random clock sequence) itself."""
        original = uuid.uuid1

        @_patch.like(original)
        def uuid1(node: int | None = None, clock_seq: int | None = None) -> Any:
            value = self._now("wall")
            if value is None:
                return original(node, clock_seq)
            if clock_seq is None:
                clock_seq = int.from_bytes(self._inside.stream(Clock.id, self._inside.site(), 2), "little") & 0x3FFF
            node = uuid.getnode() if node is None else node
            moment = value // 100 + 0x01B21DD213814000  # 100 ns since 15 October 1582 (RFC 4122)
            fields = (
                moment & 0xFFFFFFFF,
                moment >> 32 & 0xFFFF,
                moment >> 48 & 0x0FFF,
                clock_seq >> 8,
                clock_seq & 0xFF,
                node,
            )
            return uuid.UUID(fields=fields, version=1)

        uuid.uuid1 = uuid1

    # --- threads ------------------------------------------------------------------------------------------------

    def _threads(self, virtual: VirtualTime) -> None:
        """A thread's clock begins where the starter's was."""
        original = threading.Thread.start

        @_patch.like(original)
        def start(thread: threading.Thread) -> None:
            virtual.starting(thread)
            original(thread)

        threading.Thread.start = start  # type: ignore[method-assign]


class _Before:
    """Finds nothing; calls back once when a module is about to be imported."""

    def __init__(self, name: str, then: Callable[[], None]) -> None:
        self._name = name
        self._then = then

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        if fullname == self._name:
            sys.meta_path.remove(self)
            self._then()


def _moment(cls: Any, nanoseconds: int, tz: datetime.tzinfo | None) -> Any:
    seconds, rest = divmod(nanoseconds, SECOND)
    return cls.fromtimestamp(seconds, tz).replace(microsecond=rest // 1_000)
