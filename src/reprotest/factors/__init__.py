"""The list of everything that can make two runs differ: one file a factor, found by looking into this folder."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from reprotest.factors.base import Factor, Inside, Launch, Pinning, Seen, Setting

__all__ = ["Factor", "Inside", "Launch", "Pinning", "Seen", "Setting", "all_factors", "factor"]


@cache
def all_factors() -> tuple[Factor, ...]:
    """Every factor, sorted by `order`, then id. A new file in this folder is all that a new factor needs."""
    found: list[Factor] = []
    for entry in pkgutil.iter_modules(__path__):
        if entry.name == "base" or entry.name.startswith("_"):
            continue
        module = importlib.import_module(f"{__name__}.{entry.name}")
        found += [
            value()
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, Factor)
            and value.__module__ == module.__name__
            and hasattr(value, "id")
        ]
    return tuple(sorted(found, key=lambda f: (f.order, f.id)))


def factor(factor_id: str) -> Factor:
    """The factor with this id. Raises KeyError naming the known ids."""
    for candidate in all_factors():
        if candidate.id == factor_id:
            return candidate
    raise KeyError(f"no factor {factor_id!r}; known: {', '.join(f.id for f in all_factors())}")
