"""Frameworks that the program imports after `set_seed`: seeded right after their import, before anybody can draw."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable, Iterable

from reprotest.probe.imports import ImportHooks

_hooks: ImportHooks | None = None
_waiting: set[str] = set()


def wait_for(names: Iterable[str], then: Callable[[str], None]) -> list[str]:
    """Have `then(name)` called after each module that is not imported yet. Returns the packages among them that are installed."""
    global _hooks
    absent = sorted({name for name in names if name not in sys.modules})
    for name in absent:
        if name in _waiting:
            continue
        if _hooks is None:
            _hooks = ImportHooks(_failed)
            _hooks.install()
        _waiting.add(name)

        def imported(_: object, name: str = name) -> None:
            _waiting.discard(name)
            then(name)

        _hooks.add(name, imported)
    return [name for name in absent if "." not in name and _installed(name)]


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _failed(name: str, error: BaseException) -> None:
    warnings.warn(f"reprotest could not seed {name} when it was imported: {error!r}", RuntimeWarning, stacklevel=2)
