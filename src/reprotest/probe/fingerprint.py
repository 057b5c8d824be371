"""A bounded fingerprint of any Python value, for tracing: the same value, the same bytes, in another process too.

What does not repeat from process to process is left out: addresses, the order of a set that nobody has looked at, open files, locks,
half-consumed iterators. What does matter later is in: the order of a dict, the state of a private random generator.
"""

from __future__ import annotations

import random
import types
from collections.abc import Iterator
from enum import Enum
from typing import Any

from reprotest.digest.algorithm import Hasher
from reprotest.digest.array import digest_array, holds_objects, is_array
from reprotest.digest.content import content_of
from reprotest.digest.state import attributes, saved_state
from reprotest.digest.tensor import digest_tensor, is_tensor

_MOST_NODES = 3_000
"""Objects visited per fingerprint; what lies beyond is not looked at."""
_MOST_ATOMS = 40_000
"""Elements of one flat list, dict or set of plain values; of a longer one its two ends are taken."""
_MOST_DEPTH = 8
_TOP = 2
"""Depth of the parts of a value in a tuple of values."""
_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes})
_BASES = (dict, list, tuple, set, frozenset, int, float, str, bytes)
_CONSTANT = (types.ModuleType, types.BuiltinFunctionType, types.MethodWrapperType, types.GetSetDescriptorType)
_OPAQUE = (Iterator, types.FrameType, types.TracebackType, types.CoroutineType, types.AsyncGeneratorType)
_SHOWN_BY_REPR = ("datetime", "decimal", "fractions", "pathlib", "uuid", "re", "ipaddress", "zoneinfo")
"""Modules whose objects are fully described by their repr."""
_HANDLES = frozenset(
    (
        "_asyncio",
        "_io",
        "_queue",
        "_socket",
        "_thread",
        "asyncio",
        "concurrent",
        "joblib",
        "logging",
        "loky",
        "multiprocessing",
        "os",
        "queue",
        "rich",
        "select",
        "selectors",
        "socket",
        "subprocess",
        "tempfile",
        "threading",
        "tqdm",
        "weakref",
    )
)
"""Top-level modules whose objects are handles: what they hold changes with time, not with what a line does."""


_ADDRESSES = range(1 << 40, 1 << 48)
_ADDRESS = "address"
"""Stands for keys that are `id(…)`: they find their value again, whatever they are."""


class Fingerprint:
    """Hashes values one after another.

    Attributes:
        cost: the work so far, in microseconds or so; the same in every run on the same values.
        results: a finished future among the values shows its result. Right for one that a loop over finished ones hands out; anywhere
            else it is chance whether a future has finished.
    """

    def __init__(self) -> None:
        self.cost = 0
        self.results = False
        self._hash = Hasher()
        self._nodes = 0
        self._path: set[int] = set()

    def of(self, *values: Any) -> bytes:
        """16 bytes for some values together."""
        self._hash = Hasher()
        self._path.clear()
        self._tag(f"{len(values)} values")
        left = _MOST_NODES
        for waiting, value in zip(range(len(values), 0, -1), values, strict=True):
            # A large one must not keep those behind it from being looked at.
            share = left // waiting
            self._nodes = _MOST_NODES - share
            self._value(value, _TOP - 1)
            used = min(self._nodes - _MOST_NODES + share, share)
            left -= used
            self.cost += used
        return self._hash.digest()

    def _tag(self, text: str) -> None:
        self._hash.update(text.encode("utf-8", "surrogatepass") + b"\0")

    def _value(self, value: Any, depth: int) -> None:
        self._nodes += 1
        if self._nodes > _MOST_NODES or depth > _MOST_DEPTH:
            return
        kind = type(value)
        if kind in _ATOMS:
            self._atom(value)
            return
        if id(value) in self._path:
            self._tag("cycle")
            return
        self._path.add(id(value))
        try:
            self._composite(value, kind, depth + 1)
        except Exception:  # a half-built object, a descriptor that raises: all that may be said is its type
            self._tag(f"unreadable {kind.__qualname__}")
        finally:
            self._path.discard(id(value))

    def _atom(self, value: Any) -> None:
        if type(value) is bytes:
            self._hash.update(b"b" + value)
            self.cost += len(value) >> 12
        else:
            self._tag(f"{type(value).__name__}{value!r}")

    def _composite(self, value: Any, kind: type, depth: int) -> None:
        if kind in (list, tuple):
            self._sequence(value, depth)
        elif kind is dict:
            self._mapping(value, depth)
        elif kind in (set, frozenset):
            self._unordered(value, depth)
        elif isinstance(value, (type, types.FunctionType)):
            self._tag(f"{value.__module__}.{value.__qualname__}")
        elif isinstance(value, types.MethodType):
            self._tag(value.__func__.__qualname__)
            self._value(value.__self__, depth)
        elif isinstance(value, _CONSTANT):
            self._tag(getattr(value, "__name__", kind.__name__))
        elif isinstance(value, Enum):
            self._tag(f"{kind.__qualname__}.{value.name}")
        else:
            self._tag(f"{kind.__module__}.{kind.__qualname__}")
            if not self._known(value, kind, depth):
                self._object(value, kind, depth)

    # --- containers ---------------------------------------------------------------------------------------------

    def _sequence(self, value: list[Any] | tuple[Any, ...], depth: int) -> None:
        self._tag(f"{type(value).__name__} {len(value)}")
        if len(value) > _MOST_ATOMS:
            value = [*value[: _MOST_ATOMS // 2], *value[-_MOST_ATOMS // 2 :]]
        if all(type(item) in _ATOMS for item in value):
            self.cost += len(value) >> 3
            self._tag(repr(value))
            return
        for item in value:
            if self._nodes > _MOST_NODES:
                return
            self._value(item, depth)

    def _mapping(self, value: dict[Any, Any], depth: int) -> None:
        self._tag(f"dict {len(value)}")
        keys = [_ADDRESS if type(key) is int and key in _ADDRESSES else key for key in value]
        self._sequence(keys, depth)  # insertion order counts: iterating shows it
        self._sequence(list(value.values()), depth)

    def _unordered(self, value: set[Any] | frozenset[Any], depth: int) -> None:
        """A set's order is unknown until somebody iterates over it, and then that line shows it."""
        self._tag(f"set {len(value)}")
        if len(value) <= _MOST_ATOMS and all(type(item) in _ATOMS for item in value):
            self.cost += len(value) >> 2
            self._tag("".join(sorted(map(repr, value))))
            return
        if len(value) > _MOST_NODES - self._nodes:
            return  # a part of it would be chosen by its order
        parts = []
        outer, before, used = self._hash, self._nodes, 0
        # For each the same, or what is left for the last would show the order.
        share = (_MOST_NODES - before) // len(value)
        for item in value:
            self._hash, self._nodes = Hasher(), _MOST_NODES - share
            self._value(item, depth)
            used += min(share, self._nodes - _MOST_NODES + share)
            parts.append(self._hash.digest())
        self._hash, self._nodes = outer, before + used
        self._hash.update(b"".join(sorted(parts)))

    # --- objects ------------------------------------------------------------------------------------------------

    def _known(self, value: Any, kind: type, depth: int) -> bool:
        """Values whose content lies outside of Python objects."""
        if is_tensor(value):
            self.cost += value.nbytes >> 12
            self._hash.update(digest_tensor(value))
        elif is_array(value) and not holds_objects(value):
            self.cost += value.nbytes >> 12
            self._hash.update(digest_array(value))
        elif isinstance(value, (random.SystemRandom, _OPAQUE)):
            pass
        elif (library := kind.__module__.partition(".")[0]) in _HANDLES:
            if self.results and depth == _TOP and getattr(value, "_state", None) == "FINISHED":
                self._value(value.__dict__.get("_result"), depth)
        elif library in _SHOWN_BY_REPR:
            self._tag(repr(value))
        else:
            known = content_of(value)
            if known is None:
                return False
            self.cost += 50
            for name, part in known[1]:
                self._tag(name)
                self._value(part, depth)
        return True

    def _object(self, value: Any, kind: type, depth: int) -> None:
        base = next((base for base in _BASES if isinstance(value, base)), None)
        if base is not None:
            self._value(base(value), depth)
        parts = attributes(value)
        if not parts and base is None and not hasattr(value, "__dict__") and kind.__module__ != "builtins":
            self.cost += 50
            parts = saved_state(value) or []  # what pickle would keep of an object written in C or Rust
        for name, part in parts:
            self._tag(name)
            self._value(part, depth)


def fingerprint(value: Any) -> bytes:
    """16 bytes for one value."""
    return Fingerprint().of(value)
