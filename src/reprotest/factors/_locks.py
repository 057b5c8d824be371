"""Locks that hand the baton on instead of blocking.

Conditions, events, semaphores, barriers, `queue.Queue` and futures are Python code on top of locks and need no change. Each lock keeps the
real one underneath, so threads that are not managed share it and block in the ordinary way.
"""

from __future__ import annotations

import _thread
from typing import Any

from reprotest.factors._baton import Baton, Managed

_AMOMENT = 0.05
"""Seconds for which a lock is waited for that a thread holds which is not managed: it will let go soon, by itself."""


class Lock:
    """threading.Lock under the baton."""

    __slots__ = ("__weakref__", "_owner", "_real")
    baton: Baton

    def __init__(self) -> None:
        self._real = _thread.allocate_lock()
        self._owner: Managed | None = None

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self._real.acquire(False):
            self._owner = self.baton.me()
            return True
        me = self.baton.me() if timeout else None
        if me is None or not blocking:
            if not blocking and timeout == -1:
                self.baton.pause()
                return False
            return self._real.acquire(blocking, timeout)
        if self._owner is None and timeout < 0 and self._real.acquire(True, _AMOMENT):
            return True
        while True:
            came = self.baton.wait(me, self._unlocked, None if timeout < 0 else timeout)
            if came is None:
                return self._real.acquire(True, timeout)
            if self._real.acquire(False):
                self._owner = me
                return True
            if not came:
                return False

    def release(self) -> None:
        self._owner = None
        self._real.release()

    def locked(self) -> bool:
        return self._real.locked()

    _is_owned = locked  # what threading.Condition takes for it, which would try to acquire

    def _unlocked(self) -> bool:
        return not self._real.locked()

    def _at_fork_reinit(self) -> None:
        self._owner = None
        self._real = _thread.allocate_lock()

    __enter__ = acquire
    acquire_lock, release_lock, locked_lock = acquire, release, locked

    def __exit__(self, *_: object) -> None:
        self.release()

    def __reduce__(self) -> str:
        raise TypeError("cannot pickle '_thread.lock' object")

    def __repr__(self) -> str:
        return repr(self._real)


class RLock:
    """threading.RLock under the baton."""

    __slots__ = ("__weakref__", "_depth", "_owner", "_real")
    baton: Baton

    def __init__(self) -> None:
        self._real: Any = _thread.RLock()
        self._depth = 0
        self._owner: Managed | None = None

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self._real.acquire(False):
            self._depth += 1
            self._owner = self.baton.me()
            return True
        me = self.baton.me() if timeout else None
        if me is None or not blocking:
            if not blocking and timeout == -1:
                self.baton.pause()
                return False
            return self._entered(self._real.acquire(blocking, timeout))
        if self._owner is None and timeout < 0 and self._real.acquire(True, _AMOMENT):
            return self._entered(True)
        while True:
            came = self.baton.wait(me, self._unlocked, None if timeout < 0 else timeout)
            if came is None:
                return self._entered(self._real.acquire(True, timeout))
            if self._real.acquire(False):
                self._owner = me
                return self._entered(True)
            if not came:
                return False

    def _entered(self, yes: bool) -> bool:
        self._depth += yes  # only the owner gets here
        return yes

    def release(self) -> None:
        if self._real._is_owned():
            self._depth -= 1
            if not self._depth:
                self._owner = None
        self._real.release()

    def _unlocked(self) -> bool:
        return self._depth == 0

    # What threading.Condition needs.
    def _is_owned(self) -> bool:
        return bool(self._real._is_owned())

    def _release_save(self) -> int:
        depth = self._depth
        for _ in range(depth):
            self.release()
        return depth

    def _acquire_restore(self, depth: int) -> None:
        for _ in range(depth):
            self.acquire()

    def _recursion_count(self) -> int:
        return self._depth if self._real._is_owned() else 0

    def locked(self) -> bool:
        return self._depth > 0

    def _at_fork_reinit(self) -> None:
        self._depth, self._owner = 0, None
        self._real = _thread.RLock()

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        self.release()

    def __reduce__(self) -> str:
        raise TypeError("cannot pickle '_thread.RLock' object")

    def __repr__(self) -> str:
        return repr(self._real)
