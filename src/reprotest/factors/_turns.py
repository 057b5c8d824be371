"""Lets the processes that a program starts run one at a time, in the order in which they were started.

Processes started by `multiprocessing` race for queues, shared memory and locks. Under the pin each waits for its turn before it runs its
target, hands the turn on while it waits for others (for a queue, a lock, a connection), and waits for it again afterwards. Who is next is
decided by the order of starting. The processes of one parent share a small file with one row for each.

Processes that meet in native code (collectives of torch.distributed) cannot take turns: when the one whose turn it is sleeps in the
kernel without saying so, the turns of this group are given up, quietly, as such programs keep their order themselves.
"""

from __future__ import annotations

import fcntl
import functools
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import ModuleType
from typing import Any

_sleep, _monotonic, _getpid = time.sleep, time.monotonic, os.getpid  # the real ones

_NEW, _WAITING, _RUNNING, _ASLEEP, _AWAY, _ENDED = range(6)
_ROW = struct.Struct("=BxxxI")
"""State and process id. The first row: are the turns given up, and the number of rows."""
_MOST = 1024
_BLOCKED = 1.0
"""Seconds of sleep in the kernel, not asked for, after which a process counts as waiting for others in native code."""
_COMING = 30.0
"""Seconds that a started process may take to come up."""
_NAPS = 5.0
"""Seconds that a process may sleep without losing its turn: a simulated amount of work, not a poll for something."""
_SERVANTS = ("concurrent.futures", "joblib", "loky", "multiprocessing", "torch.utils.data", "torch._inductor")
"""Targets of processes that belong to a pool or a library."""


def serves_a_library(process: Any) -> bool:
    """Is it, not started yet, a worker of a pool or a library's own helper?"""
    return str(getattr(getattr(process, "_target", None), "__module__", "")).startswith(_SERVANTS)


class Table:
    """The rows of all processes started by one parent."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._fd, _ROW.size * _MOST)
        self._rows = mmap.mmap(self._fd, _ROW.size * _MOST)
        self.added = 0

    def add(self) -> int | None:
        if self.added >= _MOST - 1:
            return None
        self.added += 1
        self[self.added] = (_NEW, 0)
        self[0] = (self[0][0], self.added)
        return self.added

    def __getitem__(self, row: int) -> tuple[int, int]:
        state, pid = _ROW.unpack_from(self._rows, row * _ROW.size)
        return state, pid

    def __setitem__(self, row: int, value: tuple[int, int]) -> None:
        _ROW.pack_into(self._rows, row * _ROW.size, *value)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else decides at the same time."""
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)


class Turn:
    """The present process's place among its siblings."""

    def __init__(self, path: str, row: int) -> None:
        self._table = Table(path)
        self._row = row
        self._began = _monotonic()
        self._slept = 0.0
        self._thread = threading.get_ident()
        self._seen: dict[int, tuple[int, float]] = {}

    def take(self) -> None:
        """Wait for the turn."""
        table, row = self._table, self._row
        table[row] = (_WAITING, _getpid())
        nap = 0.0005
        while not table[0][0]:
            with table.alone():
                if not any(self._before_me(other) for other in range(1, table[0][1] + 1) if other != row):
                    table[row] = (_RUNNING, _getpid())
                    return
            _sleep(nap)
            nap = min(nap * 1.5, 0.01)
        table[row] = (_RUNNING, _getpid())

    def end(self) -> None:
        """This process is through."""
        self._table[self._row] = (_ENDED, _getpid())

    @contextmanager
    def away(self) -> Iterator[None]:
        """The calling thread waits for something from outside: the others may run."""
        if threading.get_ident() != self._thread or self._table[self._row][0] != _RUNNING:
            yield
            return
        self._table[self._row] = (_AWAY, _getpid())
        try:
            yield
        finally:
            self.take()

    @contextmanager
    def asleep(self, seconds: float) -> Iterator[None]:
        """The calling thread sleeps because the program says so."""
        if threading.get_ident() != self._thread or self._table[self._row][0] != _RUNNING:
            yield
            return
        self._slept += seconds
        if self._slept > _NAPS:
            with self.away():
                yield
            return
        self._table[self._row] = (_ASLEEP, _getpid())
        try:
            yield
        finally:
            self._table[self._row] = (_RUNNING, _getpid())

    def _before_me(self, other: int) -> bool:
        state, pid = self._table[other]
        if state == _NEW:
            return other < self._row and _monotonic() - self._began < _COMING
        if state in (_AWAY, _ENDED):
            return False
        sleeping, ticks = _activity(pid)
        if ticks < 0:
            return False
        if state == _WAITING:
            return other < self._row
        if state == _ASLEEP:
            return True
        before, since = self._seen.get(other, (-1, 0.0))
        if not sleeping or ticks != before:
            self._seen[other] = (ticks, _monotonic())
        elif _monotonic() - since > _BLOCKED:
            self._table[0] = (1, self._table[0][1])
        return True


def _activity(pid: int) -> tuple[bool, int]:
    """Does a process sleep, and how long has it computed (clock ticks)? -1: it has ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return False, -1
    if fields[0] in (b"Z", b"X"):
        return False, -1
    return fields[0] == b"S", int(fields[11]) + int(fields[12])


class Turns:
    """Gives the processes that this one starts their turns, and this one its own if it has one."""

    def __init__(self, run_dir: str) -> None:
        self._run_dir = run_dir
        self._table: Table | None = None
        self.mine: Turn | None = None

    def install(self, module: ModuleType) -> None:
        """Patch `multiprocessing.process`."""
        kind = module.BaseProcess
        start, bootstrap = kind.start, kind._bootstrap

        @functools.wraps(start)
        def start_in_turn(process: Any) -> None:
            row = None if serves_a_library(process) else self._add()
            if row is not None and self._table is not None:
                process._reprotest_turn = (self._table.path, row)
            try:
                start(process)
            except BaseException:
                if row is not None and self._table is not None:
                    self._table[row] = (_ENDED, 0)
                raise

        @functools.wraps(bootstrap)
        def bootstrap_in_turn(process: Any, *args: Any, **kwargs: Any) -> Any:
            place = process.__dict__.pop("_reprotest_turn", None)
            self._table = None
            turn = self.mine = None if place is None else _turn(*place)
            if turn is not None:
                process.run = _after(turn.take, process.run)
            try:
                return bootstrap(process, *args, **kwargs)
            finally:
                if turn is not None:
                    turn.end()

        kind.start, kind._bootstrap = start_in_turn, bootstrap_in_turn

    def away(self) -> AbstractContextManager[None]:
        return nullcontext() if self.mine is None else self.mine.away()

    def asleep(self, seconds: float) -> AbstractContextManager[None]:
        return nullcontext() if self.mine is None else self.mine.asleep(seconds)

    def _add(self) -> int | None:
        try:
            if self._table is None:
                self._table = Table(os.path.join(self._run_dir, f"turns-{_getpid()}"))
            return self._table.add()
        except OSError:
            return None


def _turn(path: str, row: int) -> Turn | None:
    try:
        return Turn(path, row)
    except OSError:
        return None


def _after(first: Callable[[], None], then: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> Any:
        first()
        return then()

    return run
