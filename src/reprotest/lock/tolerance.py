"""How far a number may be from the locked one on a class of machines that the lock does not know."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reprotest.errors import UsageError

KINDS = ("absolute", "relative", "ulp")
EVERY = "*"
"""The name under which the tolerance of all other values stands."""


@dataclass(frozen=True)
class Tolerance:
    """A limit: `absolute` |a - b|, `relative` |a - b| / max(|a|, |b|), or `ulp`, units in the last place.

    Units are those of float32 where both numbers are exactly representable in it, else of float64.
    """

    kind: str
    limit: float

    def __str__(self) -> str:
        return f"{self.kind} {self.limit:g}"

    def holds(self, a: float, b: float) -> bool:
        """Are the two near enough? NaN is near NaN alone, an infinity near itself alone."""
        if math.isnan(a) or math.isnan(b):
            return math.isnan(a) and math.isnan(b)
        return a == b or (math.isfinite(a) and math.isfinite(b) and self.distance(a, b) <= self.limit)

    def distance(self, a: float, b: float) -> float:
        """How far apart two finite numbers are, in this kind."""
        if self.kind == "absolute":
            return abs(a - b)
        if self.kind == "relative":
            return abs(a / 2 - b / 2) / (max(abs(a), abs(b)) / 2) if a != b else 0.0
        with np.errstate(over="ignore"):
            narrow = float(np.float32(a)) == a and float(np.float32(b)) == b
        return float(abs(_place(a, narrow=narrow) - _place(b, narrow=narrow)))


def _place(x: float, *, narrow: bool) -> int:
    """Where a float stands among all floats of its width, counted from zero."""
    if narrow:
        bits = int(np.float32(x).view(np.uint32))
        return bits if bits < 1 << 31 else (1 << 31) - bits
    bits = int(np.float64(x).view(np.uint64))
    return bits if bits < 1 << 63 else (1 << 63) - bits


def parse(text: str) -> Tolerance:
    """`relative 0.001`, `absolute:1e-6` or `ulp 4`.

    Raises:
        UsageError: it is none of these.
    """
    kind, _, limit = text.replace(":", " ").strip().partition(" ")
    try:
        number = float(limit)
    except ValueError:
        number = math.nan
    if kind not in KINDS or not number >= 0:
        raise UsageError(f"{text!r} is no tolerance: expected {', '.join(KINDS)} and a number, as in `relative 0.001`")
    return Tolerance(kind, number)


def parse_named(texts: tuple[str, ...]) -> dict[str, Tolerance]:
    """`loss=relative:0.001`; a tolerance without a name is that of all other values. Raises UsageError."""
    found = {}
    for text in texts:
        name, equals, tolerance = text.rpartition("=")
        found[name if equals else EVERY] = parse(tolerance)
    return found


def of(tolerances: Mapping[str, Tolerance], name: str) -> Tolerance | None:
    """The tolerance of a value: its own, or that of all others."""
    return tolerances.get(name, tolerances.get(EVERY))
