"""How large a difference is: absolute, relative, and in units in the last place."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

import numpy as np

from reprotest.compare import dtypes
from reprotest.record.values import Value


@dataclass(frozen=True)
class Size:
    """The size of a difference between two values.

    Attributes:
        max_abs: largest absolute difference of two finite elements; None when unknown.
        max_rel: largest of |a - b| / max(|a|, |b|).
        ulp: largest distance in units in the last place (floats only).
        note: how many elements differ, where the first is, NaN and infinity.
    """

    max_abs: float | None = None
    max_rel: float | None = None
    ulp: int | None = None
    note: str | None = None


UNKNOWN = Size()


def size_of_values(a: Value, b: Value, order_a: str = "<", order_b: str = "<") -> Size:
    """The size of the difference of two kept values; unknown where dtype, shape or what was kept of them differ."""
    if (a.dtype, a.shape, a.stride) != (b.dtype, b.shape, b.stride) or not dtypes.is_known(a.dtype):
        return UNKNOWN
    try:
        dtype, x = dtypes.parts(a, order_a)
        _, y = dtypes.parts(b, order_b)
    except ValueError:
        return UNKNOWN
    if x.shape != y.shape:
        return UNKNOWN
    places = np.flatnonzero(x != y)
    if places.size == 0:
        return Size(note=f"no difference in the kept sample (every {a.stride}th element)" if a.stride > 1 else None)
    x, y = x[places], y[places]
    p, q = dtypes.numbers(dtype, x), dtypes.numbers(dtype, y)
    width = 2 if dtype != a.dtype else 1  # complex
    note = _where(a, places // width)
    numbers = ~(np.isnan(p) | np.isnan(q))
    if not numbers.all():
        note += _nans(np.isnan(p), np.isnan(q))
    x, y, p, q = x[numbers], y[numbers], p[numbers], q[numbers]
    if p.size == 0:
        return Size(note=note)
    ulp = int(dtypes.distance(dtype, x, y).max()) if dtypes.is_float(dtype) else None
    finite = np.isfinite(p) & np.isfinite(q)
    if not finite.all():
        note += "; infinite in one run or with the other sign"
    p, q = p[finite], q[finite]
    if p.size == 0:
        return Size(ulp=ulp, note=note)
    if dtypes.is_float(dtype) and ulp == 0:
        note += "; only the sign of zero differs"
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        # The difference of large integers is exact only where it is taken before they become float64.
        apart = np.abs(p - q) if dtypes.is_float(dtype) else dtypes.distance(dtype, x, y)[finite].astype(np.float64)
        # Halves do not overflow where the difference of two huge numbers would.
        relative = np.abs(p / 2 - q / 2) / np.maximum(np.abs(p) / 2, np.abs(q) / 2)
    return Size(_finite(apart.max()), _finite(np.nan_to_num(relative, nan=0.0).max()), ulp, note)


def size_of_scalars(dtype: str | None, a: float, b: float) -> Size:
    """The size of the difference of two scalars, as their sketches keep them."""
    kind = {"float": "float64", "int": "int64"}.get(dtype or "", dtype or "")
    if not dtypes.is_known(kind) or dtypes.is_complex(kind):
        return UNKNOWN
    own = kind if dtypes.is_float(kind) else "float64"
    x, y = _encoded(own, a), _encoded(own, b)
    if x is None or y is None:
        return UNKNOWN
    found = size_of_values(Value(own, (), memoryview(x)), Value(own, (), memoryview(y)))
    note = f"{_shown(kind, a)} in run 1, {_shown(kind, b)} in run 2"
    return Size(found.max_abs, found.max_rel, found.ulp if own == kind else None, note)


def _shown(kind: str, number: float) -> str:
    if dtypes.is_float(kind) or not math.isfinite(number):
        return repr(number)
    return str(number != 0.0 if kind == "bool" else int(number))


def _encoded(dtype: str, number: float) -> bytes | None:
    """The bytes of a number in its dtype; None for the 8-bit formats."""
    if dtype == "bfloat16":
        return struct.pack("<f", number)[2:]
    code = {"float64": "<d", "float32": "<f", "float16": "<e"}.get(dtype)
    try:
        return struct.pack(code, number) if code else None
    except OverflowError:
        return None


def _where(value: Value, places: np.ndarray[tuple[int], np.dtype[np.intp]]) -> str:
    places = np.unique(places)
    total = len(value.raw) and math.prod(value.shape)
    if value.stride > 1:
        return f"{places.size} of a sample of {-(-total // value.stride)} elements differ"
    if not value.shape:
        return "one number"
    first = ", ".join(str(int(i)) for i in np.unravel_index(int(places[0]), value.shape))
    return f"{places.size} of {total} elements differ, the first at [{first}]"


def _nans(a: np.ndarray[tuple[int], np.dtype[np.bool_]], b: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> str:
    said = []
    for run, only in ((1, a & ~b), (2, b & ~a)):
        if only.any():
            said.append(f"{int(only.sum())} are NaN in run {run} only")
    both = int((a & b).sum())
    if both:
        said.append(f"{both} are NaN in both, with other bits")
    return "; " + ", ".join(said)


def _finite(number: np.float64) -> float | None:
    """As plain data for JSON, which has no infinity."""
    return float(number) if np.isfinite(number) else None
