"""Generators that an object holds: a dataset's own `default_rng`, a transformation's `torch.Generator`."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from reprotest.seeding.derive import derive

_DEEPEST = 8
_MOST = 10_000
_LONGEST = 256
"""Objects looked at, in all and of one list: a dataset that holds its samples as Python objects is not searched through."""
_LEAVES = (str, bytes, bytearray, int, float, complex, bool, type(None), type, range)


def held(owner: object) -> list[Any]:
    """The generators (`random.Random`, NumPy's `Generator` and `RandomState`, `torch.Generator`) that an object holds, in a fixed order.

    Looked for in attributes, lists, tuples and mappings, and there again, as in Subset(dataset).dataset.transform.transforms[0].rng.
    The global generators are not the object's.
    """
    return list(_search(owner))


def set_generator(generator: Any, seed: int) -> None:
    """Seed one generator in place.

    Args:
        generator: `random.Random`, a NumPy `Generator` or `RandomState`, or a `torch.Generator`.
        seed: 0 ≤ seed < 2**64.
    """
    if isinstance(generator, random.Random):
        generator.seed(seed)
    elif hasattr(generator, "manual_seed"):
        generator.manual_seed(seed)
    elif hasattr(generator, "bit_generator"):
        own = generator.bit_generator
        own.state = type(own)(seed).state
    else:
        generator.seed((seed % 2**32, seed >> 32, 1))  # a third word, as Python's generator draws the same after two


class Held:
    """The generators of one object, looked for again when the object has got others."""

    def __init__(self, owner: object) -> None:
        self._owner = owner
        self._seen: tuple[int, ...] | None = None
        self._found: list[Any] = []

    def reseed(self, seed: int) -> None:
        """Seed each of them, differently from one another."""
        own = getattr(self._owner, "__dict__", {})
        now = tuple(id(value) for value in own.values() if not isinstance(value, _LEAVES))
        if now != self._seen:
            self._seen = now
            self._found = held(self._owner)
        for number, generator in enumerate(self._found):
            set_generator(generator, derive(seed, number))

    def __getstate__(self) -> dict[str, Any]:
        return {"_owner": self._owner, "_seen": None, "_found": []}


def _kinds() -> tuple[type, ...]:
    found: list[type] = [random.Random]
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None:
        found += [numpy.random.Generator, numpy.random.RandomState]
    if torch is not None:
        found.append(torch.Generator)
    return tuple(found)


def _search(owner: object) -> Iterator[Any]:
    kinds, seen = _kinds(), _of_the_process()
    pending: list[tuple[object, int]] = [(owner, 0)]
    for _ in range(_MOST):
        if not pending:
            return
        one, depth = pending.pop()
        if id(one) in seen or isinstance(one, _LEAVES):
            continue
        seen.add(id(one))
        if isinstance(one, kinds):
            if not isinstance(one, random.SystemRandom):
                yield one
        elif depth < _DEEPEST:
            pending += [(below, depth + 1) for below in reversed(_below(one))]


def _of_the_process() -> set[int]:
    """The global generators, which `import random as rng` may have made somebody's attribute."""
    found = {id(random._inst)}
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None:
        found.add(id(numpy.random.mtrand._rand))
    if torch is not None:
        found.add(id(torch.default_generator))
    return found


def _below(one: object) -> list[object]:
    if isinstance(one, Mapping):
        return list(islice(one.values(), _LONGEST)) if type(one).__module__ in ("builtins", "collections") else []
    if isinstance(one, list | tuple):
        return list(islice(one, _LONGEST))
    own = getattr(one, "__dict__", None)
    found = list(own.values()) if isinstance(own, dict) and not _is_module(one) else []
    if hasattr(one, "__closure__") and one.__closure__:  # a transformation that is a function inside a function
        found += [cell.cell_contents for cell in one.__closure__ if _filled(cell)]
    function, bound = getattr(one, "func", None), getattr(one, "__self__", None)
    if type(one).__name__ == "partial":
        found += [function, *getattr(one, "args", ()), *getattr(one, "keywords", {}).values()]
    if bound is not None and not _is_module(bound):
        found.append(bound)
    return found


def _is_module(one: object) -> bool:
    return isinstance(one, type(sys))


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - an empty cell raises
    except ValueError:
        return False
    return True
