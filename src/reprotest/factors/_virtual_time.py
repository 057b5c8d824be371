"""A clock whose readings are counted instead of measured."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from reprotest.factors._values import number
from reprotest.factors.base import Setting

SECOND = 1_000_000_000
_EPOCH = 1_710_408_413 * SECOND
"""Pinned programs start on 14 March 2024, 09:26:53 UTC."""
_DAY = 86_400 * SECOND
_TICK = 1_000_003
"""Nanoseconds between two readings: about a millisecond, and not a round number."""
_EVEN, _GROWTH = 100, 1.05
"""After so many readings in one loop the ticks grow by this ratio: a budget of a second ends after some 170 readings, one of a day
after 400. Steps may be slow, and there are several experiments."""
_NEARBY = 8
"""A line that was not read among so many last readings is outside of the loop, and ends it."""
_LONGEST = 3_600 * SECOND
_RUSH, _RUSHES, _LONGEST_PAUSE = 50_000, 30, 0.25
"""So many readings, nearly all within so many nanoseconds of the last: a loop that waits for something real to happen. It is slowed
down by what it believes to have waited, up to so many seconds a reading."""

_sleep, _monotonic_ns = time.sleep, time.monotonic_ns


@dataclass
class _Thread:
    """How far one thread has come (nanoseconds since the start, by variant), and how it reads.

    Attributes:
        readings: of all clocks so far.
        looped: readings since the last one from outside of the present loop.
        seen: for each line, which reading was its last.
        last: real time of the last reading.
        rushes: readings that came right after each other.
    """

    elapsed: list[int]
    readings: int = 0
    looped: int = 0
    seen: dict[str | None, int] = field(default_factory=dict)
    last: int = 0
    rushes: int = 0


class VirtualTime:
    """The clocks of one process under one setting.

    Every thread counts for itself, or the order of threads would decide who reads what; a thread starts where its starter was.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._variants = sorted({0, setting.variant})
        self._local = threading.local()
        self._base = {v: _base(setting, v) for v in self._variants}
        self._tick = {v: _TICK + v * 700_001 for v in self._variants}

    def read(self, clock: str, site: str | None) -> int:
        """The next reading in nanoseconds. `clock`: wall | monotonic | performance | process."""
        thread = self._thread()
        thread.readings += 1
        nearby = thread.readings - thread.seen.get(site, -_NEARBY) <= _NEARBY
        thread.seen[site] = thread.readings
        thread.looped = thread.looped + 1 if nearby else 0
        over = min(max(thread.looped - _EVEN, 0), 500)
        ticks = [min(int(self._tick[variant] * _GROWTH**over), _LONGEST) for variant in self._variants]
        thread.elapsed = [elapsed + tick for elapsed, tick in zip(thread.elapsed, ticks, strict=True)]
        variant = self._setting.variant_at(site)
        self._yield_to_others(thread, ticks[0])
        return self._base[variant][clock] + thread.elapsed[self._variants.index(variant)]

    def _yield_to_others(self, thread: _Thread, tick: int) -> None:
        """Slow a waiting loop down, or its time-out comes before what it waits for. Changes no reading."""
        now = _monotonic_ns()
        thread.rushes = thread.rushes + 1 if now - thread.last < _RUSH else thread.rushes // 2
        if thread.rushes > _RUSHES:
            _sleep(min(tick / SECOND, _LONGEST_PAUSE))
            now = _monotonic_ns()
        thread.last = now

    def slept(self, seconds: float) -> None:
        """The thread slept so long."""
        thread = self._thread()
        thread.elapsed = [elapsed + int(seconds * SECOND) for elapsed in thread.elapsed]
        thread.looped = 0  # a loop that sleeps keeps to real time by itself

    def starting(self, thread: Any) -> None:
        """The calling thread is about to start another one."""
        thread._reprotest_time = tuple(self._thread().elapsed)

    def _thread(self) -> _Thread:
        try:
            known: _Thread = self._local.thread
            return known
        except AttributeError:
            start = getattr(threading.current_thread(), "_reprotest_time", None) or [0] * len(self._variants)
            thread = self._local.thread = _Thread(list(start))
            return thread


def _base(setting: Setting, variant: int) -> dict[str, int]:
    """Where the clocks start. A later variant is another day, another time of day, with other digits below the second."""
    digits = number(setting, "clock", variant=variant)
    shift = variant * (173 * _DAY + 5 * 3_600 * SECOND + 17 * 60 * SECOND + 11 * SECOND)
    return {
        "wall": _EPOCH + shift + digits % SECOND,
        "monotonic": (40_000 + 7_919 * variant) * SECOND + digits % SECOND,
        "performance": (40_000 + 7_919 * variant) * SECOND + digits // SECOND % SECOND,
        "process": SECOND // 2 + digits % (SECOND // 4),
    }
