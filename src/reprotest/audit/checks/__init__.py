"""The checklist: one function a check, found by looking into this folder."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from reprotest.audit.finding import Check, Found, Mend, Severity

if TYPE_CHECKING:
    from reprotest.audit.repository import Repository

Find = Callable[["Repository"], Iterator[Found]]
_registered: dict[str, Check] = {}


def check(
    id: str, severity: Severity, *, title: str, why: str, source: str, fix: str, mend: Mend | None = None
) -> Callable[[Find], Find]:
    """Enter a function into the checklist. It yields a `Found` for every place that does not pass."""

    def enter(find: Find) -> Find:
        assert id not in _registered, f"two checks are called {id}"
        _registered[id] = Check(id, severity, title, why, source, fix, find, mend)
        return find

    return enter


@cache
def all_checks() -> tuple[Check, ...]:
    """Every check, in the order of topics as read. A new function in a file of this folder is all that a new one needs."""
    for entry in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{entry.name}")
    return tuple(sorted(_registered.values(), key=lambda found: found.id))
