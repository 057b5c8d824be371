"""What an object that nobody told us about consists of: the state that it would save if it were pickled, piece by piece."""

from __future__ import annotations

import copyreg
from typing import Any

Parts = list[tuple[str, Any]]


def saved_state(value: Any) -> Parts | None:
    """The named parts of an object: its own `__getstate__`, its `__reduce__`, or its attributes and slots.

    Returns:
        None when it cannot be looked into (locks, generators, handles of C libraries). May raise whatever the object's code raises.
    """
    cls: Any = type(value)
    if cls.__getstate__ is not object.__getstate__:
        return _of_state(value.__getstate__())
    if cls in copyreg.dispatch_table:
        return _of_reduced(copyreg.dispatch_table[cls](value))
    if cls.__reduce__ is not object.__reduce__ or cls.__reduce_ex__ is not object.__reduce_ex__:
        return _of_reduced(value.__reduce_ex__(4))
    own = attributes(value)
    if own:
        return own
    if cls is object or hasattr(value, "__dict__"):
        return []
    return _of_reduced(value.__reduce_ex__(4))


def attributes(value: Any) -> Parts:
    """Attributes and slots, sorted by name."""
    found: dict[str, Any] = {}
    for base in type(value).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name in ("__dict__", "__weakref__"):
                continue
            mangled = (
                f"_{base.__name__.lstrip('_')}{name}" if name.startswith("__") and not name.endswith("__") else name
            )
            try:
                found[name] = object.__getattribute__(value, mangled)
            except AttributeError:
                continue
    found.update(getattr(value, "__dict__", None) or {})
    return _by_name(found)


def _by_name(found: dict[str, Any]) -> Parts:
    return [(f".{name}", found[name]) for name in sorted(found, key=str)]


def _of_state(state: Any) -> Parts:
    if isinstance(state, dict):
        return _by_name({str(name): part for name, part in state.items()})
    if (
        isinstance(state, tuple)
        and len(state) == 2
        and isinstance(state[1], dict)
        and isinstance(state[0], (dict, type(None)))
    ):
        return _of_state({**(state[0] or {}), **state[1]})  # attributes and slots, as copyreg makes them
    return [] if state is None else [(".state", state)]


def _of_reduced(reduced: Any) -> Parts | None:
    """The parts in what `__reduce__` returned: (callable, arguments, state, items, pairs)."""
    if isinstance(reduced, str):
        return []
    # The first argument of __newobj__ is the class, which the label says already.
    arguments = reduced[1][1:] if reduced[0] is copyreg.__newobj__ else reduced[1]  # type: ignore[attr-defined]
    parts: Parts = [(f"({i})", part) for i, part in enumerate(arguments)]
    parts += _of_state(reduced[2] if len(reduced) > 2 else None)
    for index, name in ((3, ".items"), (4, ".pairs")):
        if len(reduced) > index and reduced[index] is not None:
            parts.append((name, list(reduced[index])))
    return parts
