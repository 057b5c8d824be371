"""The plain bytes of a value, for keeping the value itself."""

from __future__ import annotations

import struct
import sys
from typing import Any

from reprotest.digest.algorithm import Buffer
from reprotest.digest.array import dtype_name, holds_objects, is_array, raw_bytes
from reprotest.digest.tensor import host_bytes, is_tensor, name_of

Raw = tuple[str, tuple[int, ...], Buffer]
"""dtype, shape and the elements' bytes in row-major order, native byte order."""


def raw_of(value: Any, most: int | None = None) -> Raw | None:
    """What a number, array, tensor or flat list of numbers consists of.

    Args:
        value: anything.
        most: bytes; a value that is larger *and* would have to be copied first gives None.

    Returns:
        None for what has no plain bytes (objects, strings, sparse or quantised tensors).
    """
    if isinstance(value, bool):
        return "bool", (), struct.pack("=?", value)
    if isinstance(value, int):
        return ("int64", (), struct.pack("=q", value)) if -(2**63) <= value < 2**63 else None
    if isinstance(value, float):
        return "float64", (), struct.pack("=d", value)
    if isinstance(value, complex):
        return "complex128", (), struct.pack("=2d", value.real, value.imag)
    if is_tensor(value):
        return _of_tensor(value, most)
    if is_array(value):
        return _of_array(value, most)
    if type(value) in (list, tuple) and value and {type(v) for v in value} in ({float}, {int}):
        if type(value[0]) is int:
            if not all(-(2**63) <= v < 2**63 for v in value):
                return None
            return "int64", (len(value),), struct.pack(f"={len(value)}q", *value)
        return "float64", (len(value),), struct.pack(f"={len(value)}d", *value)
    return None


def _of_tensor(t: Any, most: int | None) -> Raw | None:
    torch = sys.modules["torch"]
    try:
        if (
            t.layout is not torch.strided
            or t.is_meta
            or t.is_nested
            or t.is_quantized
            or type(t).__name__ == "FakeTensor"
        ):
            return None
        nbytes = t.numel() * t.element_size()
        if most is not None and nbytes > most and not (t.is_contiguous() and t.is_cpu):
            return None
        return name_of(t), tuple(t.shape), host_bytes(t.detach().resolve_conj().resolve_neg())
    except Exception:  # an exotic tensor: not kept
        return None


def _of_array(a: Any, most: int | None) -> Raw | None:
    numpy = sys.modules["numpy"]
    if (
        isinstance(a, numpy.ma.MaskedArray)
        or holds_objects(a)
        or a.dtype.names is not None
        or a.dtype.kind not in "?biufcV"
    ):
        return None
    a = numpy.asarray(a)
    if not a.dtype.isnative or a.dtype.name in ("float128", "complex256") or a.dtype.subdtype is not None:
        return None
    if most is not None and a.nbytes > most and not a.flags.c_contiguous:
        return None
    return dtype_name(a.dtype), tuple(a.shape), raw_bytes(a)
