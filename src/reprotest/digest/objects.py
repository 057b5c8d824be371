"""Digests of anything: numbers, strings, containers, data frames, fitted estimators."""

from __future__ import annotations

import struct
from array import array
from typing import Any

from reprotest.digest import sketch as sketches
from reprotest.digest.algorithm import Hasher, hash128, seed
from reprotest.digest.array import array_row, dtype_name, holds_objects, is_array
from reprotest.digest.tensor import is_tensor, name_of, shape_of, tensor_row
from reprotest.digest.walk import MOST_UNORDERED, Inner, Leaf, Overlooked, is_leaf, tokens, type_name

_FLOAT, _STR = seed("float"), seed("str")
_double = struct.Struct("<d").pack


def digest_object(value: Any, overlooked: Overlooked | None = None, unordered: int = 0) -> bytes:
    """16 bytes over type, structure and every value inside; equal for a tensor to `digest_tensor`, for an array to `digest_array`.

    Lists, tuples and `OrderedDict` count in their order, dictionaries and sets without, as their equality goes. Cycles end.
    What could not be looked into is counted in `overlooked`. `unordered`: how many sets and keys of dictionaries it is inside of.
    """
    if is_leaf(value):
        return _leaf_digest(value)
    hasher = Hasher()
    for path, token in tokens(value, overlooked, unordered):
        hasher.update(path.encode("utf-8", "surrogatepass"))
        if type(token) is Inner:
            hasher.update(b"\0" + token.label.encode("utf-8", "surrogatepass") + b"\0")
        else:
            hasher.update(b"\1" + _leaf_digest(token))
    return hasher.digest()


def fingerprint(value: Any, overlooked: Overlooked | None = None) -> tuple[bytes, str, tuple[int, ...] | None]:
    """Digest, dtype and shape of anything: dtype is the type's name where it is neither a tensor nor an array."""
    if is_tensor(value):
        return tensor_row(value)[0], name_of(value), shape_of(value)
    digest = digest_object(value, overlooked)
    if is_array(value):
        return digest, dtype_name(value.dtype), tuple(value.shape)
    return digest, type_name(type(value)), (len(value),) if is_leaf(value) and type(value) in (list, tuple) else None


def sketch(value: Any) -> tuple[float, float]:
    """Two numbers (a, b) that say how large a value is; see `digest.sketch`. NaN for what has no numbers."""
    if isinstance(value, (bool, int, float, complex)):
        return sketches.number(value)
    if is_tensor(value):
        return tensor_row(value)[1:]
    if is_array(value):
        return sketches.NONE if holds_objects(value) else array_row(value)[1:]
    if type(value) in (list, tuple) and value and {type(part) for part in value} <= {bool, int, float}:
        return sketches.numbers(value)
    return sketches.NONE


def key_name(key: Any, depth: int = 0) -> str:
    """A key of a dictionary as a path shows it: itself where it prints the same everywhere, else its type and digest."""
    if isinstance(key, (str, int, float, bytes, bool, type(None))) and type(key).__module__ == "builtins":
        return repr(key)
    if depth >= MOST_UNORDERED:
        return type_name(type(key))
    return f"{type_name(type(key))} {digest_object(key, Overlooked(), depth + 1).hex()[:16]}"


def _leaf_digest(value: Any) -> bytes:
    kind = type(value)
    if kind is float:
        return hash128(_double(value), _FLOAT)
    if kind is str:
        return hash128(value.encode("utf-8", "surrogatepass"), _STR)
    if is_tensor(value):
        return tensor_row(value)[0]
    if is_array(value):
        return array_row(value)[0]
    if isinstance(value, Leaf):
        return _labelled("leaf", value.label.encode("utf-8", "surrogatepass"))
    if isinstance(value, (set, frozenset)):
        parts = sorted(map(_leaf_digest, value))
        return _labelled(f"{type_name(type(value))} {len(parts)}", b"".join(parts))
    if isinstance(value, (list, tuple)):
        kinds = {type(part) for part in value}
        if len(kinds) > 1:
            return _labelled(f"{type_name(type(value))} {len(value)}", b"".join(map(_leaf_digest, value)))
        return _labelled(f"{type_name(type(value))} of {type_name(kinds.pop())} {len(value)}", _flat_bytes(value))
    return _labelled(type_name(type(value)), _scalar_bytes(value))


def _labelled(label: str, data: Any) -> bytes:
    return hash128(data, seed(label))


def _scalar_bytes(value: Any) -> Any:
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, int):
        return int(value).to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    if isinstance(value, complex):
        return _double(value.real) + _double(value.imag)
    if isinstance(value, str):
        return str(value).encode("utf-8", "surrogatepass")
    return b"" if value is None else bytes(value)


def _flat_bytes(values: list[Any] | tuple[Any, ...]) -> Any:
    kind = type(values[0])
    if kind is float:
        return array("d", values)
    if kind is str:
        encoded = [text.encode("utf-8", "surrogatepass") for text in values]
        return b"".join(encoded) + array("q", map(len, encoded)).tobytes()
    try:
        return array("q", values)
    except OverflowError:
        return ",".join(map(str, values)).encode()
