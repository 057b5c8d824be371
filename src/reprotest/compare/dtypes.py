"""What the bytes of a kept value mean: numbers for differences, and places on the number line for units in the last place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reprotest.digest.sketch import float8_values
from reprotest.record.values import Value

_BITS = {"float64": 64, "float32": 32, "float16": 16, "bfloat16": 16}
_FLOAT8 = ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz")
_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")
_COMPLEX = {"complex32": "float16", "complex64": "float32", "complex128": "float64"}


def is_float(dtype: str) -> bool:
    """Does it have a last place?"""
    return dtype in _BITS or dtype in _FLOAT8 or dtype in _COMPLEX


def is_complex(dtype: str) -> bool:
    return dtype in _COMPLEX


def is_known(dtype: str) -> bool:
    return is_float(dtype) or dtype in _INTEGERS


def parts(value: Value, order: str = "<") -> tuple[str, NDArray[np.generic]]:
    """The kept elements as one flat array of unsigned bits (floats) or integers, complex numbers as twice as many floats.

    Args:
        value: of a known dtype.
        order: byte order of the machine that ran, "<" or ">".

    Returns:
        The dtype of the parts, and them.

    Raises:
        ValueError: the bytes do not go with the dtype.
    """
    dtype = _COMPLEX.get(value.dtype, value.dtype)
    if dtype in _BITS:
        kind = f"u{_BITS[dtype] // 8}"
    elif dtype in _FLOAT8 or dtype == "bool":
        kind = "u1"
    else:
        kind = np.dtype(dtype).str[1:]
    return dtype, np.frombuffer(value.raw, np.dtype(order + kind)).astype(kind)


def numbers(dtype: str, bits: NDArray[np.generic]) -> NDArray[np.float64]:
    """The elements as float64 (integers beyond 2⁵³ are rounded)."""
    if dtype == "bfloat16":
        return (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    if dtype in _FLOAT8:
        return np.array(float8_values(dtype))[bits.astype(np.intp)]
    if dtype in _BITS:
        with np.errstate(invalid="ignore"):  # signalling NaNs
            return bits.view(f"f{_BITS[dtype] // 8}").astype(np.float64)
    return bits.astype(np.float64)


def distance(dtype: str, a: NDArray[np.generic], b: NDArray[np.generic]) -> NDArray[np.uint64]:
    """How many numbers of this dtype lie between, counting one end: for floats in units in the last place, exact for all widths.

    Zero between 0 and -0. Infinity is the neighbour of the largest finite number; NaNs must be left out.
    """
    if dtype in _INTEGERS:
        wide: type[np.uint64] | type[np.int64] = np.uint64 if dtype == "uint64" else np.int64
        x, y = a.astype(wide), b.astype(wide)
        return np.where(x > y, x.view(np.uint64) - y.view(np.uint64), y.view(np.uint64) - x.view(np.uint64))
    width = 8 if dtype in _FLOAT8 else _BITS[dtype]
    low = np.uint64((1 << (width - 1)) - 1)
    x, y = a.astype(np.uint64), b.astype(np.uint64)
    far, near = x & low, y & low
    apart = np.where(far > near, far - near, near - far)
    return np.where((x ^ y) > low, far + near, apart)
