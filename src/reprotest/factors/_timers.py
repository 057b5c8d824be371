"""Timers that send a signal (`signal.alarm`, `signal.setitimer`): what one interrupts is chance, and cannot be held.

A timer that never fires, as a time-out that is lifted again, is of no account.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from reprotest.factors import _patch
from reprotest.factors.base import Inside

_REAL = 0
"""`signal.ITIMER_REAL`, which counts as the wall clock does; the others count the process's own time."""
_real_time, _own_time = time.monotonic, time.process_time  # as they are before the clock is held


class Timers:
    """Watches one process's timers.

    Args:
        inside: of which process.
        fired: told the user's line that set a timer, once that timer has fired.
    """

    def __init__(self, inside: Inside, fired: Callable[[str | None], None]) -> None:
        self._inside = inside
        self._fired = fired
        self._due: dict[int, tuple[Callable[[], float], float, str | None]] = {}

    def install(self, signal: ModuleType) -> None:
        """Replace the functions that set timers, where the system has them."""
        if not hasattr(signal, "setitimer"):
            return
        alarm, setitimer, changed = signal.alarm, signal.setitimer, self._changed

        def watched_alarm(_self: object, seconds: int, /) -> int:
            changed(_REAL, seconds)
            remaining: int = alarm(seconds)
            return remaining

        def watched_setitimer(_self: object, which: int, seconds: float, interval: float = 0.0, /) -> Any:
            changed(which, seconds)
            return setitimer(which, seconds, interval)

        _patch.replace(signal, "alarm", watched_alarm)
        _patch.replace(signal, "setitimer", watched_setitimer)
        self._inside.at_exit(self._look)
        os.register_at_fork(after_in_child=self._due.clear)  # which has no timers

    def _changed(self, which: int, seconds: float) -> None:
        self._look(which)
        self._due.pop(which, None)
        if seconds > 0 and self._inside.caller_is_user(3):
            clock = _real_time if which == _REAL else _own_time
            self._due[which] = clock, clock() + seconds, self._inside.site()

    def _look(self, which: int | None = None) -> None:
        for known, (clock, due, site) in list(self._due.items()):
            if which in (None, known) and (clock() >= due or _is_over(known)):
                del self._due[known]
                self._fired(site)


def _is_over(which: int) -> bool:
    """Is nothing left of a timer? A busy system counts a process's own time in ticks, and one may fire before its time is over as measured."""
    from signal import getitimer  # imported already: through it the timer was set

    return not getitimer(which)[0]
