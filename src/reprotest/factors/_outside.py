"""Waits for what lies outside of the process: other processes, pipes, sockets. They let other threads, and other processes, have their turn."""

from __future__ import annotations

import functools
import select
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from reprotest.factors._baton import Baton
from reprotest.factors._turns import Turns
from reprotest.factors.base import Inside

_sleep, _monotonic = time.sleep, time.monotonic  # the real ones


class Outside:
    """How the calling thread waits for something that no thread of this process brings about."""

    def __init__(self, baton: Baton, turns: Turns) -> None:
        self.baton = baton
        self._turns = turns
        baton.away = turns.away

    def concerned(self) -> bool:
        """Is anybody there to be let run?"""
        return self.baton.me() is not None or self._turns.mine is not None

    def wait(self, ready: Callable[[], bool], timeout: float | None = None) -> bool | None:
        """Let others run until `ready()`, which must not block.

        Returns:
            True: ready; False: timed out; None: wait in the ordinary way.
        """
        me = self.baton.me()
        if me is None and self._turns.mine is None:
            return None
        if ready():
            return True
        if me is not None:
            return self.baton.wait(me, ready, timeout, external=True)
        end = None if timeout is None else _monotonic() + timeout
        nap = 0.00005
        with self._turns.away():
            while not ready():
                if end is not None and _monotonic() >= end:
                    return False
                _sleep(nap)
                nap = min(nap * 1.5, 0.002)
        return True


def install(inside: Inside, baton: Baton, turns: Turns) -> None:
    """Replace the ways to wait for everything that is imported from now on."""
    outside = Outside(baton, turns)
    inside.on_import("selectors", lambda module: _replace_selectors(module, outside))
    inside.on_import("socket", lambda module: _replace_sockets(module, outside))
    inside.on_import("subprocess", lambda module: _replace_process_wait(module.Popen, outside))
    inside.on_import("multiprocessing.popen_fork", lambda module: _replace_process_wait(module.Popen, outside))
    inside.on_import("multiprocessing.connection", lambda module: _replace_connections(module, outside))
    inside.on_import("multiprocessing.synchronize", lambda module: _replace_semaphores(module, outside))
    inside.on_import("multiprocessing.process", turns.install)


def _readable(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN | select.POLLPRI)
    return bool(poll.poll(0))


def _replace_selectors(module: ModuleType, outside: Outside) -> None:
    for name in ("SelectSelector", "_PollLikeSelector", "EpollSelector"):
        kind = getattr(module, name, None)
        if kind is not None and "select" in vars(kind):
            _replace_select(kind, outside)


def _replace_select(kind: Any, outside: Outside) -> None:
    real = kind.select

    @functools.wraps(real)
    def select_yielding(self: Any, timeout: float | None = None) -> Any:
        if not outside.concerned():
            return real(self, timeout)
        found = real(self, 0)
        if found:
            return found
        if timeout is not None and timeout <= 0:
            outside.baton.pause()
            return real(self, 0)
        came = outside.wait(lambda: bool(real(self, 0)), timeout)
        return real(self, timeout if came is None else 0)

    kind.select = select_yielding


def _replace_sockets(module: ModuleType, outside: Outside) -> None:
    kind = module.socket

    def replace(name: str) -> None:
        real = getattr(kind, name)

        @functools.wraps(real)
        def receive(self: Any, *args: Any) -> Any:
            if outside.concerned() and self.gettimeout() is None and self.fileno() >= 0:
                outside.wait(lambda: _readable(self.fileno()))
            return real(self, *args)

        setattr(kind, name, receive)

    for name in ("recv", "recv_into", "recvfrom", "recvfrom_into", "accept"):
        replace(name)


def _replace_process_wait(kind: Any, outside: Outside) -> None:
    real = kind.wait

    @functools.wraps(real)
    def wait(self: Any, timeout: float | None = None) -> Any:
        came = outside.wait(lambda: self.poll() is not None, timeout)
        if came is None or timeout is None:
            return real(self, timeout)
        try:
            return real(self, 0)
        except Exception as error:  # subprocess.TimeoutExpired, whose message is to name the user's own time
            error.__dict__.update(timeout=timeout)
            raise

    kind.wait = wait


def _replace_connections(module: ModuleType, outside: Outside) -> None:
    kind: Any = module.Connection
    real = kind._recv_bytes

    @functools.wraps(real)
    def receive(self: Any, maxsize: int | None = None) -> Any:
        outside.wait(lambda: _readable(self._handle))
        return real(self, maxsize)

    kind._recv_bytes = receive


def _replace_semaphores(module: ModuleType, outside: Outside) -> None:
    kind: Any = module.SemLock
    make, enter = kind._make_methods, kind.__enter__

    @functools.wraps(make)
    def make_methods(self: Any) -> None:
        make(self)
        acquire = self.acquire

        @functools.wraps(acquire)
        def acquire_yielding(block: bool = True, timeout: float | None = None) -> bool:
            if not block or not outside.concerned():
                return bool(acquire(block, timeout))
            while not acquire(False):
                came = outside.wait(lambda: not self._semlock._is_zero(), timeout)
                if came is None:
                    return bool(acquire(True, timeout))
                if not came:
                    return bool(acquire(False))
            return True

        self.acquire = acquire_yielding

    @functools.wraps(enter)
    def enter_yielding(self: Any) -> bool:
        return bool(self.acquire())

    kind._make_methods, kind.__enter__ = make_methods, enter_yielding
