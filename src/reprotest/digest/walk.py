"""Looks into an object: every leaf that holds a value, with the path that leads to it ("tree_.nodes", "state['step']").

What an object consists of is asked in this order: what the libraries whose objects we know call its content (`content.py`), the
items of a container, the state that the object itself would save, its attributes and slots. An object that cannot be looked into
contributes its type alone. Never an address, never `repr` of an object, nothing that depends on the order of a set.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import BuiltinFunctionType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

from reprotest.digest.array import holds_objects, is_array
from reprotest.digest.content import MEASURED_TIMES, content_of
from reprotest.digest.state import attributes, saved_state
from reprotest.digest.tensor import is_tensor

MOST_LEAVES = 200_000
DEEPEST = 100
MOST_UNORDERED = 4
"""Sets and keys in sets and keys: each has to be digested on its own before it can be put in order."""


@dataclass
class Overlooked:
    """What a walk could not or did not look into, for the report.

    Attributes:
        opaque: type name → how many objects contributed their type alone.
        cut: parts left out because the object is too large or too deep.
        times: parts left out because they are durations that a library measured (scikit-learn's `mean_fit_time`).
    """

    opaque: dict[str, int] = field(default_factory=dict)
    cut: int = 0
    times: int = 0


class Leaf:
    """A leaf that stands for something without a value of its own."""

    __slots__ = ("label",)

    def __init__(self, label: str) -> None:
        self.label = label


class Inner(Leaf):
    """Not a leaf: the head of an object whose parts follow."""


Scalar = (bool, int, float, complex, str, bytes, bytearray, type(None))
_FLAT = frozenset({bool, int, float, str})
_PLAIN = _FLAT | {type(None), bytes, complex}
_MOST_NAMED = 64
"""Elements of a mixed list that are leaves of their own, so that a difference can be named; a longer one is one leaf."""
_CALLABLE = (type, FunctionType, BuiltinFunctionType, ModuleType)


def walk(value: Any, overlooked: Overlooked | None = None) -> Iterator[tuple[str, Any]]:
    """Yield (path, leaf) for everything inside.

    A leaf is a number, string, bytes, None, tensor, array, a list or tuple of plain numbers or strings, a set, or a `Leaf`.
    The path of the value itself is "". Dictionaries are walked in the order of their keys, not of insertion, as equality of
    dictionaries goes; `OrderedDict` in its own order.
    """
    for path, token in tokens(value, overlooked):
        if type(token) is not Inner:
            yield path, token


def type_name(cls: type) -> str:
    """Module and qualified name of a type, without the module for builtins."""
    module = cls.__module__
    return cls.__qualname__ if module == "builtins" else f"{module}.{cls.__qualname__}"


def tokens(value: Any, overlooked: Overlooked | None = None, unordered: int = 0) -> Iterator[tuple[str, Any]]:
    """As `walk`, and the heads (`Inner`) of the objects that the leaves are parts of; already inside `unordered` sets or keys."""
    overlooked = overlooked if overlooked is not None else Overlooked()
    # (path, value, the chain of objects it lies in); the chain keeps temporary objects alive, so identity can be trusted.
    pending: list[tuple[str, Any, Any]] = [("", value, None)]
    left = MOST_LEAVES
    while pending:
        path, value, chain = pending.pop()
        left -= 1
        if left < 0:
            overlooked.cut += 1 + len(pending)
            yield path, Leaf("cut")
            return
        if is_leaf(value):
            yield path, value
            continue
        back, depth = _loop(value, chain)
        if back:
            yield path, Leaf(f"cycle {back}")
            continue
        if depth >= DEEPEST:
            overlooked.cut += 1
            yield path, Leaf("cut")
            continue
        label, parts = _parts(value, overlooked, unordered)
        if not parts:
            yield path, Leaf(label)
            continue
        yield path, Inner(f"{label} {len(parts)}")
        inner = (value, chain)
        pending.extend((join(path, name), part, inner) for name, part in reversed(parts))


def join(path: str, name: str) -> str:
    """One path after another: "tree_" and ".nodes" give "tree_.nodes"."""
    return path + name if path else name.removeprefix(".")


def is_leaf(value: Any) -> bool:
    """Is it a value that is digested as a whole?"""
    if type(value) in _PLAIN:
        return True
    if isinstance(value, (*Scalar, Leaf)):
        return not isinstance(value, Enum)
    if isinstance(value, (set, frozenset)):
        return all(isinstance(part, Scalar) for part in value)
    if is_tensor(value):
        return True
    if is_array(value):
        return not holds_objects(value) and value.dtype.names is None
    return type(value) in (list, tuple) and _is_flat(value)


def _is_flat(value: list[Any] | tuple[Any, ...]) -> bool:
    """Plain numbers or strings of one type, or many plain values (a column with gaps)."""
    kinds = set(map(type, value))
    if len(kinds) == 1:
        return next(iter(kinds)) in _FLAT
    return len(value) > _MOST_NAMED and kinds <= _PLAIN


def _loop(value: Any, chain: Any) -> tuple[int, int]:
    """How many levels up the same object is already being looked into (0: nowhere), and how deep we are."""
    depth = 0
    while chain is not None:
        depth += 1
        if chain[0] is value:
            return depth, depth
        chain = chain[1]
    return 0, depth


def _parts(value: Any, overlooked: Overlooked, depth: int) -> tuple[str, list[tuple[str, Any]]]:
    """The label of an object and its named parts."""
    label = type_name(type(value))
    try:
        known = _named(value) or content_of(value)
        if known is not None:
            return known
        if isinstance(value, (dict, MappingProxyType)):
            return label, _items(value, overlooked, depth)
        if isinstance(value, (set, frozenset)):
            return label, _members(value, overlooked, depth)
        if isinstance(value, (list, tuple, deque)):
            names = getattr(value, "_fields", None) if isinstance(value, tuple) else None
            if names:
                return label, [(f".{name}", part) for name, part in zip(names, value, strict=False)]
            return label, [(f"[{i}]", part) for i, part in enumerate(value)]
        if is_array(value):
            return _array_parts(label, value)
        state = saved_state(value)
    except Exception:  # the object's own code; it must never break the program under test
        state = attributes(value) or None
    if state is None:
        overlooked.opaque[label] = overlooked.opaque.get(label, 0) + 1
        return label, []
    kept = [(name, part) for name, part in state if name.removeprefix(".") not in MEASURED_TIMES]
    overlooked.times += len(state) - len(kept)
    return label, kept


def _named(value: Any) -> tuple[str, list[tuple[str, Any]]] | None:
    """Functions, classes, modules and enumeration members are what they are called."""
    if isinstance(value, Enum):
        return f"{type_name(type(value))}.{value.name}", []
    if isinstance(value, ModuleType):
        return f"module {value.__name__}", []
    if isinstance(value, MethodType):
        return f"method {value.__func__.__qualname__}", [(".__self__", value.__self__)]
    if isinstance(value, _CALLABLE):
        return f"{type_name(type(value))} {getattr(value, '__module__', None)}.{value.__qualname__}", []
    return None


def _items(value: Mapping[Any, Any], overlooked: Overlooked, depth: int) -> list[tuple[str, Any]]:
    from reprotest.digest.objects import key_name

    times = MEASURED_TIMES
    named = [(key_name(key, depth), part) for key, part in value.items() if not (type(key) is str and key in times)]
    overlooked.times += len(value) - len(named)
    if not isinstance(value, OrderedDict):
        named.sort(key=lambda item: item[0])
    return [(f"[{name}]", part) for name, part in named]


def _members(value: set[Any] | frozenset[Any], overlooked: Overlooked, depth: int) -> list[tuple[str, Any]]:
    """The members of a set of objects, in the order of their digests."""
    from reprotest.digest.objects import digest_object

    if depth >= MOST_UNORDERED:
        overlooked.cut += 1
        return [("", Leaf("cut"))]
    ordered = sorted(value, key=lambda part: digest_object(part, Overlooked(), depth + 1))
    return [(f"{{{i}}}", part) for i, part in enumerate(ordered)]


def _array_parts(label: str, value: Any) -> tuple[str, list[tuple[str, Any]]]:
    numpy = sys.modules["numpy"]
    label = f"{label} {list(value.shape)}"
    if value.dtype.names is not None:
        if isinstance(value, numpy.ma.MaskedArray):
            return label, [(".mask", value.mask), (".data", numpy.asarray(value.filled()))]
        return label, [(f"['{name}']", value[name]) for name in value.dtype.names]
    flat = numpy.asarray(value).reshape(-1).tolist()
    if _is_flat(flat):
        return label, [("", flat)]
    return label, [(f"[{i}]", part) for i, part in enumerate(flat)]
