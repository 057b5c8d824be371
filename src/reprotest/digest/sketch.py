"""Two numbers beside a digest that say how large a value is, from a few elements of it.

A scalar is kept exactly: (value, 0). Otherwise `a` is the mean and `b` the root mean square of a strided sample of at most 16
elements: 0.4 µs, against 2 µs for mean absolute values of 64 (`math.hypot` runs in C, `sum(map(abs, …))` does not). NaN: no numbers.
Uses `struct` alone, because the program under test need not have imported NumPy.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

from reprotest.digest.algorithm import Buffer

SAMPLE = 16
"""Most elements that are looked at."""

NONE = (math.nan, math.nan)
"""The sketch of what has no numbers: strings, objects, tensors without data."""

Sketcher = Callable[[Buffer], tuple[float, float]]

_CODES = {
    "float64": "d", "float32": "f", "float16": "e", "bool": "?",
    "int8": "b", "int16": "h", "int32": "i", "int64": "q",
    "uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q",
}  # fmt: skip
_SIZES = {"bfloat16": 2, "complex64": 8, "complex128": 16, "complex32": 4} | {
    name: struct.calcsize("=" + code) for name, code in _CODES.items()
}
_FLOAT8 = {  # exponent bits, mantissa bits, bias, has infinities, has negative zero
    "float8_e4m3fn": (4, 3, 7, False, True),
    "float8_e4m3fnuz": (4, 3, 8, False, False),
    "float8_e5m2": (5, 2, 15, True, True),
    "float8_e5m2fnuz": (5, 2, 16, False, False),
}
_PARTS = {"complex32": "e", "complex64": "f", "complex128": "d"}


def sketcher(dtype: str, count: int) -> Sketcher:
    """A function from the `count` contiguous elements' bytes (native order) to their sketch (a, b).

    Args:
        dtype: name as NumPy and PyTorch spell it ("float32", "bfloat16", "float8_e4m3fn"); unknown ones give NaN.
        count: number of elements.
    """
    part = _PARTS.get(dtype)
    width = 2 if part else 1
    size = 1 if dtype in _FLOAT8 else _SIZES.get(dtype)
    if size is None or count == 0:
        return lambda buffer: NONE
    taken = min(count, SAMPLE)
    gap = (count // taken - 1) * size
    code = (part or ("H" if dtype == "bfloat16" else "B" if dtype in _FLOAT8 else _CODES[dtype])) * width
    unpack: Callable[[Buffer], tuple[Any, ...]] = struct.Struct("=" + f"{gap}x".join([code] * taken)).unpack_from
    if dtype == "bfloat16":
        unpack = _bfloat16(unpack, taken)
    elif dtype in _FLOAT8:
        unpack = _looked_up(unpack, float8_values(dtype))
    if count == 1 and width == 1:

        def exact(buffer: Buffer) -> tuple[float, float]:
            return float(unpack(buffer)[0]), 0.0

        return exact
    share, hypot = 1.0 / (taken * width), math.hypot
    root = math.sqrt(share)

    def sampled(buffer: Buffer) -> tuple[float, float]:
        values = unpack(buffer)
        return sum(values) * share, hypot(*values) * root

    return sampled


def number(value: Any) -> tuple[float, float]:
    """The sketch of one Python number; integers beyond float64 become infinite."""
    try:
        return (abs(value), 0.0) if isinstance(value, complex) else (float(value), 0.0)
    except OverflowError:
        return math.copysign(math.inf, value), 0.0


def numbers(values: list[Any] | tuple[Any, ...]) -> tuple[float, float]:
    """The sketch of a flat sequence of Python numbers."""
    if len(values) == 0:
        return NONE
    taken = [number(v)[0] for v in values[:: max(1, len(values) // SAMPLE)][:SAMPLE]]
    return sum(taken) / len(taken), math.hypot(*taken) / math.sqrt(len(taken))


def float8_values(dtype: str) -> list[float]:
    """The 256 numbers of an 8-bit floating point format (OCP 8-bit Floating Point Specification; -fnuz: arXiv 2206.02915)."""
    exponent_bits, mantissa_bits, bias, infinities, negative_zero = _FLOAT8[dtype]
    top = (1 << exponent_bits) - 1
    values = []
    for byte in range(256):
        sign = -1.0 if byte & 0x80 else 1.0
        exponent, mantissa = (byte >> mantissa_bits) & top, byte & ((1 << mantissa_bits) - 1)
        if not negative_zero and byte == 0x80:
            value = math.nan
        elif infinities and exponent == top:
            value = sign * math.inf if mantissa == 0 else math.nan
        elif negative_zero and not infinities and byte & 0x7F == 0x7F:
            value = math.nan
        elif exponent == 0:
            value = sign * math.ldexp(mantissa, 1 - bias - mantissa_bits)
        else:
            value = sign * math.ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits)
        values.append(value)
    return values


def _bfloat16(unpack: Callable[[Buffer], tuple[Any, ...]], taken: int) -> Callable[[Buffer], tuple[Any, ...]]:
    wide, narrow = struct.Struct(f"={taken}I").pack, struct.Struct(f"={taken}f").unpack
    return lambda buffer: narrow(wide(*[bits << 16 for bits in unpack(buffer)]))


def _looked_up(unpack: Callable[[Buffer], tuple[Any, ...]], table: list[float]) -> Callable[[Buffer], tuple[Any, ...]]:
    return lambda buffer: tuple([table[byte] for byte in unpack(buffer)])
