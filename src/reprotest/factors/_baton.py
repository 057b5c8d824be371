"""A cooperative, deterministic scheduler for Python threads: one managed thread runs at a time, and another only when it blocks.

The running thread holds the baton. It hands it on when it has to wait (for a lock, a queue, another thread, a time) and gets it back
when what it waits for has come and its turn is due. Which of several ready threads is next depends on nothing but the order of
events in the program, so the schedule is the same in every run; it is one that the threads could have taken by themselves.

- Time is virtual: sleepers and time-outs wake in the order of their wake-up times, and only when nobody else can run (then the time is
  really slept). How long a computation takes plays no part.
- What comes from outside (another process, the network, a thread that is not managed) is looked at only when no managed thread can run.
- C code that releases the GIL keeps the baton.
- A schedule that gets stuck is given up: all threads then run freely, and a sentence says so (`_watch`).
"""

from __future__ import annotations

import random
import sys
import time
from _thread import allocate_lock, get_ident, start_new_thread
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from itertools import count

_sleep, _monotonic, _process_time = time.sleep, time.monotonic, time.process_time  # the real ones

READY, RUNNING, WAITING, DONE = "ready", "running", "waiting", "done"

_TICK = 0.001
"""Virtual seconds that pass when a thread looks in vain for something and looks again."""
_BLOCKED, _SPINNING, _COMPUTING, _IDLE = 10.0, 120.0, 900.0, 120.0
"""Seconds without a change of threads after which the schedule is given up: the running thread sleeps in C code while others could
run; it runs round in one function; it computes; every thread waits for another one."""


class Managed:
    """One thread under the scheduler."""

    __slots__ = ("daemon", "deadline", "external", "gate", "native", "order", "ready", "since", "state")

    def __init__(self, order: int, daemon: bool) -> None:
        self.order = order
        self.daemon = daemon
        self.state = READY
        self.gate = allocate_lock()
        self.gate.acquire()
        self.ready: Callable[[], bool] | None = None
        self.deadline: float | None = None
        self.external = False
        self.since = 0
        self.native = 0
        """Above 0: its waits are not the scheduler's business for a moment."""


class Baton:
    """The scheduler of one process.

    Args:
        variant: 0: who waits longest is next; odd: by creation, the last first; even: drawn from a seeded stream.
        give_up: told, in a sentence, when the schedule got stuck and everything runs freely from then on.
    """

    def __init__(self, seed: int, variant: int, give_up: Callable[[str], None]) -> None:
        self.free = False
        self.away: Callable[[], AbstractContextManager[None]] = nullcontext
        """Entered while nobody here can run."""
        self.variant = variant
        self._tell = give_up
        self._random = random.Random(f"{seed}|{variant}")
        self._serial = count(1)
        self._orders = count(1)
        self._now = 0.0
        self.switches = 0
        self._idle = False
        self._watching = False
        self._threads: list[Managed] = []
        self._by_ident: dict[int, Managed] = {}
        self._running = self._first()

    def _first(self) -> Managed:
        thread = Managed(0, daemon=False)
        thread.state = RUNNING
        self._threads = [thread]
        self._by_ident = {get_ident(): thread}
        return thread

    def reset(self) -> None:
        """After a fork the calling thread is the only one left."""
        self._orders = count(1)
        self._watching = self._idle = False
        self._running = self._first()

    # --- for the primitives -------------------------------------------------------------------------------------

    def me(self) -> Managed | None:
        """The calling thread, if it is one whose waits are to be scheduled now."""
        thread = self._by_ident.get(get_ident())
        if thread is None or thread.native or self.free or len(self._threads) == 1:
            return None
        return thread

    def manages_caller(self) -> bool:
        return not self.free and get_ident() in self._by_ident

    def wait(
        self, me: Managed, ready: Callable[[], bool] | None, timeout: float | None = None, *, external: bool = False
    ) -> bool | None:
        """Let others run until `ready()` or, in virtual time, until `timeout`.

        `ready` is asked by whichever thread runs, so it must neither block nor change anything.

        Returns:
            True: ready (another thread that is not managed may have been faster); False: timed out; None: the schedule was given
            up, wait in the ordinary way.
        """
        me.ready, me.external = ready, external
        me.deadline = None if timeout is None else self._now + max(timeout, 0.0)
        me.state, me.since = WAITING, next(self._serial)
        self._give_way(me)
        if self.free:
            return None
        return me.ready is not None

    def pause(self) -> None:
        """The calling thread has looked for something in vain; let those run that may bring it about."""
        me = self.me()
        if me is None:
            return
        self._now += _TICK
        me.state, me.since = READY, next(self._serial)
        self._give_way(me)

    # --- for threads --------------------------------------------------------------------------------------------

    def adopt(self, daemon: bool) -> Managed:
        """A new thread, started by the running one; it will `enter` and `leave`."""
        thread = Managed(next(self._orders), daemon)
        thread.since = next(self._serial)
        self._threads.append(thread)
        if not self._watching:
            self._watching = True
            start_new_thread(self._watch, ())
        return thread

    def disown(self, thread: Managed) -> None:
        """The thread could not be started."""
        thread.state = DONE
        if thread in self._threads:
            self._threads.remove(thread)

    def enter(self, thread: Managed) -> None:
        """Called first in a new thread: wait for the baton."""
        self._by_ident[get_ident()] = thread
        if not self.free:
            thread.gate.acquire()
        thread.state = RUNNING

    def leave(self, thread: Managed) -> None:
        """Called last in a thread: hand the baton on."""
        self._by_ident.pop(get_ident(), None)
        thread.state = DONE
        if thread in self._threads:
            self._threads.remove(thread)
        if not self.free and self._threads:
            self._hand_on(thread)

    def all_done(self) -> bool:
        """Has every managed thread ended that a program waits for at its end?"""
        return all(thread.daemon or thread.order == 0 for thread in self._threads)

    def let_go(self, why: str) -> None:
        """Give the schedule up: from now on every thread runs freely."""
        if self.free:
            return
        self.free = True
        self._tell(f"threads were let run freely: {why}")
        for thread in list(self._threads):
            if thread.gate.locked():
                with suppress(RuntimeError):  # released by the one who ran
                    thread.gate.release()

    # --- inside -------------------------------------------------------------------------------------------------

    def _give_way(self, me: Managed) -> None:
        """Hand the baton on and come back with it."""
        try:
            self._hand_on(me)
        except BaseException:
            self.let_go("interrupted by a signal")
            raise
        finally:
            me.state = RUNNING

    def _hand_on(self, me: Managed) -> None:
        """Find who is next; when it is another thread, wake it and, unless ended, wait for the baton."""
        following = self._next()
        self.switches += 1
        if following is None or self.free:
            return
        following.state = RUNNING
        self._running = following
        if following is me:
            return
        try:
            following.gate.release()
        except RuntimeError:  # given up this very moment: everybody was woken
            return
        if me.state != DONE:
            me.gate.acquire()

    def _next(self) -> Managed | None:
        ready = self._ready(external=False)
        if ready:
            return self._choose(ready)
        self._idle = True
        try:
            with self.away():
                return self._wait_for_any()
        finally:
            self._idle = False

    def _ready(self, *, external: bool) -> list[Managed]:
        found = []
        for thread in self._threads:
            if thread.state == READY or (thread.state == WAITING and self._wakes(thread, external)):
                found.append(thread)
        return found

    def _wakes(self, thread: Managed, external: bool) -> bool:
        if thread.deadline is not None and thread.deadline <= self._now:
            return True
        return thread.ready is not None and (external or not thread.external) and thread.ready()

    def _choose(self, ready: list[Managed]) -> Managed:
        if len(ready) == 1:
            chosen = ready[0]
        elif self.variant == 0:
            chosen = min(ready, key=lambda t: t.since)
        elif self.variant % 2:
            chosen = min(ready, key=lambda t: (self._running.order - t.order - 1) % (1 << 30))
        else:
            chosen = self._random.choice(ready)
        timed_out = (
            chosen.state == WAITING
            and chosen.deadline is not None
            and chosen.deadline <= self._now
            and not (chosen.ready is not None and chosen.ready())
        )
        if timed_out:
            chosen.ready = None
        return chosen

    def _wait_for_any(self) -> Managed | None:
        """Nobody can run: wait for what comes from outside, or sleep until the earliest deadline."""
        began, nap = _monotonic(), 0.00002
        while not self.free:
            ready = self._ready(external=True)
            if ready:
                return self._choose(ready)
            deadlines = [t.deadline for t in self._threads if t.state == WAITING and t.deadline is not None]
            if deadlines:
                left = min(deadlines) - self._now - (_monotonic() - began)
                if left <= 0:
                    self._now = min(deadlines)
                    continue
                nap = min(nap, left)
            elif not self._threads:
                return None
            _sleep(nap)
            nap = min(nap * 1.5, 0.002)
        return None

    def _watch(self) -> None:
        """Runs in a thread of its own; gives the schedule up when nothing moves any more."""
        seen, since, cpu = -1, _monotonic(), _process_time()
        codes: set[object] = set()
        while not self.free and self._watching:
            _sleep(0.25)
            if self.switches != seen or len(self._threads) == 1:
                seen, since, cpu, codes = self.switches, _monotonic(), _process_time(), set()
                continue
            stuck = _monotonic() - since
            if self._idle:
                if stuck > _IDLE and not any(t.external or t.deadline is not None for t in self._threads):
                    self.let_go(f"every thread waited for another one for {stuck:.0f} seconds")
                continue
            ident = next((i for i, t in list(self._by_ident.items()) if t is self._running), 0)
            frame = sys._current_frames().get(ident)
            codes.add(frame.f_code if frame is not None else None)
            if not self._someone_waits(stuck):
                continue
            if stuck > _BLOCKED and _process_time() - cpu < 0.02 * stuck:
                self.let_go(f"the running one did not come back from a system call for {stuck:.0f} seconds")
            elif stuck > (_SPINNING if len(codes) == 1 else _COMPUTING):
                self.let_go(f"the running one did not wait for anything for {stuck:.0f} seconds")

    def _someone_waits(self, seconds: float) -> bool:
        """Could another thread run, or would it have woken up in real time?"""
        for thread in list(self._threads):
            if thread.state == READY and thread is not self._running:
                return True
            if thread.state == WAITING:
                if thread.deadline is not None and thread.deadline < self._now + seconds:
                    return True
                if thread.ready is not None and not thread.external and thread.ready():
                    return True
        return False
