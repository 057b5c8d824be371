"""Made-up process and thread numbers, and their translation back where they are handed to the system."""

from __future__ import annotations

import builtins
import io
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from reprotest.factors import _patch
from reprotest.factors._values import number
from reprotest.factors.base import Inside, Setting

_FIRST = 2**22 + 1
"""Above PID_MAX_LIMIT of every 64-bit Linux (proc_pid_max(5)): no process has such a number."""
_SPREAD = 1_000_000
_THREADS = 0x7E00_0000_0000

_getpid, _getppid = os.getpid, os.getppid


class FakeNumbers:
    """Numbers derived from the names of processes and threads, which are the same in every run."""

    def __init__(self, inside: Inside, setting: Setting) -> None:
        self._inside = inside
        self._setting = setting
        self._mine: dict[int, str] = {}
        """Real process number: its key, as it was when first asked for."""
        self._real_parent = _getppid()
        self._real: dict[int, int] = {}
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def process(self, real: int, site: str | None = None) -> int:
        """The calling process."""
        return self._fake(real, self._key(), site)

    def parent(self, real: int, site: str | None = None) -> int:
        """Its parent; the real number once that has died and init took over."""
        if real != self._real_parent:
            return real
        return self._fake(real, self._key().rpartition("/")[0] or "launcher", site)

    def child(self, real: int, name: str, site: str | None = None) -> int:
        """A process that multiprocessing started (or this one, or the one that started this one)."""
        if real == self._real_parent:
            return self.parent(real, site)
        return self._fake(real, self._key() if real == _getpid() else f"{self._key()}/{name}", site)

    def thread(self, real: int, thread: threading.Thread | None = None, site: str | None = None) -> int:
        """A thread's `ident`; the calling thread's when none is given."""
        name = (thread or threading.current_thread()).name
        fake = (
            _THREADS + number(self._setting, f"thread|{self._key()}|{name}", variant=self._variant(site)) % 2**36 * 64
        )
        self._real[fake] = real
        return fake

    def native_thread(self, real: int, thread: threading.Thread | None = None, site: str | None = None) -> int:
        """A thread's number in the kernel: that of the process for the main thread."""
        thread = thread or threading.current_thread()
        key = self._key() if real == _getpid() else f"{self._key()}|{thread.name}"
        return self._fake(real, key, site)

    def real(self, fake: Any) -> Any:
        """What the system calls this number; unchanged when it is none of ours."""
        if type(fake) is not int or fake < _FIRST:
            return fake
        if fake not in self._real:
            multiprocessing = sys.modules.get("multiprocessing")
            for process in multiprocessing.active_children() if multiprocessing is not None else ():
                self.child(process._popen.pid, process.name)
        return self._real.get(fake, fake)

    def _fake(self, real: int, key: str, site: str | None) -> int:
        fake = _FIRST + number(self._setting, f"process|{key}", variant=self._variant(site)) % _SPREAD
        self._real[fake] = real
        return fake

    def _variant(self, site: str | None) -> int:
        return self._setting.variant_at(site)

    def _key(self) -> str:
        # Kept: multiprocessing names a forked child only after it began to run.
        key = self._mine.get(_getpid())
        if key is None:
            # Spawned children run under `python -c`; their parents know them by their multiprocessing name alone.
            key = self._mine[_getpid()] = self._inside.process_key.replace("/python/", "/")
        return key

    def _forked(self) -> None:
        self._real_parent = _getppid()


def translate_back(inside: Inside, numbers: FakeNumbers) -> None:
    """Replace what takes a process or thread number, so that the made-up ones arrive as the real ones."""
    for module, names in (
        (
            os,
            (
                "kill",
                "killpg",
                "waitpid",
                "wait4",
                "getpgid",
                "getsid",
                "setpgid",
                "sched_getaffinity",
                "sched_setaffinity",
            ),
        ),
        (signal, ("pthread_kill",)),
    ):
        for name in names:
            if hasattr(module, name):
                _first_argument(module, name, numbers)
    _frames(inside, numbers)
    _open(numbers)
    inside.on_import("psutil", lambda module: _psutil(module, numbers))


def _first_argument(module: ModuleType, name: str, numbers: FakeNumbers) -> None:
    original = getattr(module, name)

    def call(_self: object, pid: Any, *args: Any) -> Any:
        return original(numbers.real(pid), *args)

    _patch.replace(module, name, call)


def _frames(inside: Inside, numbers: FakeNumbers) -> None:
    original = sys._current_frames

    def current_frames(_self: object) -> dict[int, Any]:
        frames = original()
        if not inside.caller_is_user(2):
            return frames
        named: dict[Any, Any] = {vars(thread)["_ident"]: thread for thread in threading.enumerate()}
        return {numbers.thread(k, named[k]) if k in named else k: frame for k, frame in frames.items()}

    _patch.replace(sys, "_current_frames", current_frames)


def _open(numbers: FakeNumbers) -> None:
    """/proc/<number>/… by a made-up number."""
    original = builtins.open

    def open_real(_self: object, file: Any, *args: Any, **kwargs: Any) -> Any:
        if type(file) is str and file.startswith("/proc/"):
            number, slash, rest = file.removeprefix("/proc/").partition("/")
            if number.isdecimal():
                file = f"/proc/{numbers.real(int(number))}{slash}{rest}"
        return original(file, *args, **kwargs)

    builtins.open = io.open = _patch.standin(original, open_real, "io")


def _psutil(module: Any, numbers: FakeNumbers) -> None:
    make: Callable[..., None] = module.Process.__init__
    exists: Callable[[int], bool] = module.pid_exists

    @_patch.like(make)
    def init(process: Any, pid: int | None = None) -> None:
        make(process, numbers.real(pid))

    @_patch.like(exists)
    def pid_exists(pid: int) -> bool:
        return exists(numbers.real(pid))

    module.Process.__init__ = init
    module.pid_exists = pid_exists
