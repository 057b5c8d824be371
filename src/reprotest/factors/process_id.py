"""Process and thread numbers, and the names of host and user, as the user's code sees them.

Libraries keep the real numbers: they send signals and name locks by them. The user's code sees numbers that no process can have
(above the kernel's limit), and where it hands one back to the system it is translated, so that none ever reaches a real kill().
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import ModuleType
from typing import Any

from reprotest.factors import _patch
from reprotest.factors._callers import DirectCallers
from reprotest.factors._numbers import FakeNumbers, translate_back
from reprotest.factors._source import InSource
from reprotest.factors.base import Factor, Inside, Json, Launch, Seen, Setting

_NAMES = 2
"""The variant from which on the names of host and user change too. They are the same whenever a command is repeated on one machine."""

_VARIABLES = ("USER", "LOGNAME", "USERNAME", "HOSTNAME")


class ProcessId(Factor):
    """Identity of the process, its threads and its place."""

    id = "process.id"
    what = "numbers of processes and threads, and names of host and user, that the program uses as data"
    fix = "use the rank, the worker's index or the configured seed instead of a process number, a thread number or a host name"
    repeats = True
    order = 32
    source = InSource(values=("os.getpid", "os.getppid", "threading.get_ident", "socket.gethostname", "platform.node"))

    def watch(self, inside: Inside) -> None:
        _Watch(inside).install()

    def read(self) -> Mapping[str, Json]:
        return {"host": os.uname().nodename}

    def launch(self, setting: Setting) -> Launch:
        if setting.variant_at(None) < _NAMES:
            return Launch()
        return Launch(env={name: f"other-{os.environ[name]}" for name in _VARIABLES if os.environ.get(name)})

    def variations(self, seen: Seen) -> Sequence[int] | str:
        return 1, _NAMES

    def usual(self, seen: Seen) -> str:
        return "numbers and names as they were first"

    def perturb(self, k: int) -> str | None:
        return {1: "other process and thread numbers", _NAMES: "another host name and user name"}.get(k)


class _Watch:
    """Watches one process's user code, and gives it its setting."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._setting = inside.setting(ProcessId.id)
        self._callers = DirectCallers(inside)
        self._numbers = FakeNumbers(inside, self._setting) if self._setting is not None else None

    def install(self) -> None:
        self._own_number(os, "getpid", FakeNumbers.process)
        self._own_number(os, "getppid", FakeNumbers.parent)
        for name, fake in (("get_ident", FakeNumbers.thread), ("get_native_id", FakeNumbers.native_thread)):
            if hasattr(threading, name):
                self._own_number(threading, name, fake)
        self._property(threading.Thread, "ident", lambda numbers, it, real, site: numbers.thread(real, it, site))
        self._property(
            threading.Thread, "native_id", lambda numbers, it, real, site: numbers.native_thread(real, it, site)
        )
        self._inside.on_import("multiprocessing.process", self._multiprocessing)
        for module, name in (
            ("socket", "gethostname"),
            ("os", "getlogin"),
            ("platform", "node"),
            ("getpass", "getuser"),
        ):
            self._inside.on_import(module, partial(self._name, name))
        self._uname()
        if self._numbers is not None:
            translate_back(self._inside, self._numbers)

    def _asked(self) -> tuple[bool, str | None]:
        """Note that the user's code asks (the caller of our caller). Returns whether it does, and its line."""
        is_user, site = self._callers.site(3)
        if is_user:
            self._inside.used(ProcessId.id, site)
        return is_user, site

    def _own_number(self, module: ModuleType, name: str, fake: Callable[..., int]) -> None:
        original, numbers, asked = getattr(module, name), self._numbers, self._asked

        def own(_self: object) -> int:
            is_user, site = asked()
            real: int = original()
            return fake(numbers, real, site=site) if is_user and numbers is not None else real

        _patch.replace(module, name, own)

    def _property(self, kind: Any, name: str, fake: Callable[[FakeNumbers, Any, int, str | None], int]) -> None:
        old = vars(kind).get(name) if kind is not None else None
        if not isinstance(old, property) or old.fget is None:
            return
        original, numbers, asked = old.fget, self._numbers, self._asked

        @_patch.like(original)
        def number(self: Any) -> int | None:
            real: int | None = original(self)
            is_user, site = asked()
            return fake(numbers, self, real, site) if is_user and numbers is not None and real is not None else real

        setattr(kind, name, property(number))

    def _multiprocessing(self, module: ModuleType) -> None:
        for kind in (module.BaseProcess, getattr(module, "_ParentProcess", None)):
            for name in ("ident", "pid"):
                self._property(kind, name, lambda numbers, it, real, site: numbers.child(real, it.name, site))

    def _uname(self) -> None:
        """`os.uname().nodename`, on which platform and socket do not build."""
        original, setting, asked = os.uname, self._setting, self._asked

        def uname(_self: object) -> Any:
            real = original()
            is_user, site = asked()
            if not is_user or setting is None or setting.variant_at(site) < _NAMES:
                return real
            return os.uname_result((real.sysname, f"other-{real.nodename}", *tuple(real)[2:]))

        _patch.replace(os, "uname", uname)

    def _name(self, name: str, module: ModuleType) -> None:
        """What is named cannot differ between repeats here, but it is used as data all the same."""
        original, setting, asked = getattr(module, name), self._setting, self._asked

        def named(*_self: object) -> str:
            is_user, site = asked()
            real: str = original()
            return f"other-{real}" if is_user and setting is not None and setting.variant_at(site) >= _NAMES else real

        if isinstance(original, type(sys.intern)):
            _patch.replace(module, name, named)
        else:
            setattr(module, name, _patch.like(original)(named))
