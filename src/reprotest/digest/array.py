"""Digests of NumPy arrays and scalars. Never imports NumPy."""

from __future__ import annotations

import sys
from typing import Any

from reprotest.digest import sketch as sketches
from reprotest.digest.algorithm import hash128, seed
from reprotest.digest.tensor import Row, describe

_LONG_DOUBLE = {"float128": 10, "complex256": 10}
"""Bytes of each 16 that carry the number (x87); the others are padding with whatever was there."""


def is_array(value: Any) -> bool:
    """Is it a NumPy array or scalar? False when NumPy was never imported."""
    numpy = sys.modules.get("numpy")
    kinds = getattr(numpy, "ndarray", ()), getattr(numpy, "generic", ())  # NumPy may be half imported
    return isinstance(value, kinds)


def holds_objects(a: Any) -> bool:
    """Does the array hold Python objects, which have to be walked through, not bytes?"""
    return bool(a.dtype.hasobject) or a.dtype.kind == "T"


def digest_array(a: Any) -> bytes:
    """16 bytes over dtype, shape and elements in row-major order, equal to those of a tensor with the same bits.

    Structured arrays go field by field (padding is not looked at), masked arrays without what lies under the mask, datetimes as
    integers, strings as their fixed-width code points. Arrays of objects: see `digest_object`.
    """
    return array_row(a)[0]


def array_row(a: Any) -> Row:
    """Digest and sketch of an array or scalar that holds no objects."""
    numpy = sys.modules["numpy"]
    if isinstance(a, numpy.ma.MaskedArray):
        mask = numpy.ma.getmaskarray(a)
        shown = numpy.where(mask, numpy.zeros((), a.dtype), a.data) if a.dtype.names is None else a.filled()
        values = array_row(shown)
        return (hash128(values[0] + array_row(mask)[0], seed("masked")), values[1], values[2])
    a = numpy.asarray(a)
    if a.dtype.names is not None:
        digests = [array_row(a[name])[0] for name in a.dtype.names]
        label = describe(f"struct({', '.join(a.dtype.names)})", a.shape)
        return (hash128(b"".join(digests), seed(label)), *sketches.NONE)
    name = dtype_name(a.dtype)
    described = seed(describe(name, a.shape))
    buffer = raw_bytes(a)
    return (hash128(buffer, described), *sketches.sketcher(name, a.size)(buffer))


def dtype_name(dtype: Any) -> str:
    """The dtype's name: "float32"; with the byte order where it is not this machine's (">f4"), with units for datetimes."""
    return str(dtype.name) if dtype.isnative else str(dtype.str)


def raw_bytes(a: Any) -> Any:
    """The elements of an array without fields or objects in row-major order, as a flat array of bytes."""
    numpy = sys.modules["numpy"]
    flat = numpy.ascontiguousarray(a).reshape(-1).view(numpy.uint8)
    width = _LONG_DOUBLE.get(a.dtype.name)
    if width is not None and a.dtype.itemsize % 16 == 0:
        flat = numpy.ascontiguousarray(flat.reshape(-1, 16)[:, :width]).reshape(-1)
    return flat
