"""What a program takes from where no experiment reaches: what other programs write, what other machines send, what the kernel tells.

Named when nothing else explains a difference. A program is told of by its name alone, for what it is given may be secret.
"""

from __future__ import annotations

import functools
import os
import shlex
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from reprotest.factors import _patch
from reprotest.factors._callers import asker, library_import
from reprotest.factors.base import Inside

KEY = "elsewhere"
"""Key under which a process leaves what it took: a list of {"what", "site", "step"}."""
KERNEL = ("/proc/", "/sys/")
_THROUGH = frozenset({"io", "os", "pathlib", "psutil", "shutil", "subprocess"})
_LOAD = {"os": ("getloadavg", "statvfs", "times"), "resource": ("getrusage",)}
"""What else tells how busy the machine, or how full, is."""
_MOST = 100


class Elsewhere:
    """What one process took, and where.

    Args:
        put: called after every new fact, with all of them.
        step: how many steps the calling thread has completed; None where it has begun none.
    """

    def __init__(
        self, inside: Inside, put: Callable[[str, Any], None], step: Callable[[], int | None] = lambda: None
    ) -> None:
        self._inside = inside
        self._put = put
        self._step = step
        self._known: dict[tuple[str, str], int] = {}

    def take(self, what: str) -> None:
        """Something is taken. What libraries look up while they are imported stays with them."""
        site = self._inside.site()
        if site is None or (what, site) in self._known or len(self._known) >= _MOST or library_import(self._inside):
            return
        self._known[what, site] = self._step() or 0
        self._put(KEY, [{"what": what, "site": site, "step": step} for (what, site), step in self._known.items()])

    def read(self, what: str) -> None:
        """The kernel is asked, by a file of its own or a call. Libraries count processors so."""
        if asker(self._inside, _THROUGH) == "user":
            self.take(what)

    def install(self) -> None:
        """Watch the programs that this process starts, and how it asks after the machine's load."""
        self._inside.on_import("subprocess", self._watch_programs)
        _patch.before(os, "system", self._start)
        for name, functions in _LOAD.items():
            self._inside.on_import(name, lambda module, functions=functions: self._watch_load(module, functions))  # type: ignore[misc]

    def _watch_load(self, module: ModuleType, functions: tuple[str, ...]) -> None:
        for name in functions:
            self._watch_call(module, name)

    def _watch_call(self, module: ModuleType, name: str) -> None:
        _patch.before(module, name, lambda *args, **kwargs: self.read(f"{module.__name__}.{name}"))

    def _watch_programs(self, module: ModuleType) -> None:
        kind: Any = module.Popen
        real = kind.__init__

        @functools.wraps(real)
        def init(process: Any, args: Any, *rest: Any, **named: Any) -> None:
            self._start(args)
            real(process, args, *rest, **named)

        kind.__init__ = init

    def _start(self, command: Any) -> None:
        name = _program(command)
        # In another Python the probes are at work, too.
        if name and not name.startswith("python") and asker(self._inside, _THROUGH) == "user":
            self.take(f"the program {name}")


def _program(command: Any) -> str:
    """Its name: the first word that is no assignment."""
    try:
        words = shlex.split(os.fsdecode(command)) if isinstance(command, (str, bytes, os.PathLike)) else command
        return next((os.path.basename(os.fsdecode(word)) for word in words if "=" not in os.fsdecode(word)), "")
    except (ValueError, TypeError):
        return ""


def taken(records: Sequence[Any], until: int | None = None) -> list[tuple[str, str]]:
    """What these runs took: (what, site), in the order in which it was taken.

    Args:
        records: of runs (`extras`).
        until: only what was taken before this step was complete; None: all.
    """
    found: dict[tuple[str, str], None] = {}
    for record in records:
        for of_process in record.extras(KEY):
            for one in of_process:
                if until is None or one["step"] <= until:
                    found[one["what"], one["site"]] = None
    return list(found)
