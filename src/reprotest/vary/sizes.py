"""How far apart two runs end."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from reprotest.compare import dtypes
from reprotest.compare.pairs import paired
from reprotest.compare.size import Size, size_of_scalars, size_of_values
from reprotest.record import Record
from reprotest.record.event import Phase
from reprotest.record.stream import Stream
from reprotest.record.template import Description
from reprotest.record.values import Value
from reprotest.vary.result import Final

_EQUAL = Final(0.0, 0.0, 0, 0.0)

T = TypeVar("T", int, float)

_LAST = ((Phase.UPDATE,), (Phase.OUTPUT, Phase.METRIC), (Phase.LOSS,))
"""What tells how a run ended, best first: the trained parameters, else what it returned or observed, else its losses."""
_REST = (Phase.INIT, Phase.DATA, Phase.FORWARD, Phase.BACKWARD)


@dataclass(frozen=True)
class _Ending:
    """The last event of one name: its frame, and its place in it."""

    frame: int
    event: int
    described: Description
    digest: bytes
    sketch: tuple[float, float]


def final(a: Record, b: Record) -> Final:
    """How far the second run's end is from the first one's. Raises RecordError.

    Values that were not kept are known by their sketches alone: a scalar's is exact, a tensor's says no more than that it differs.
    """
    found = [one for one in (_final(a, b, phases) for phases in _LAST) if one is not None]
    if not found:
        return _final(a, b, _REST) or Final()
    return next((one for one in found if one != _EQUAL), _EQUAL)


def _final(a: Record, b: Record, phases: tuple[Phase, ...]) -> Final | None:
    sizes: list[Size] = []
    lengths: list[_Length] = []
    seen = differing = False
    for x, y in paired(a, b):
        if x is None or y is None:
            continue
        ours, theirs = _endings(x, phases), _endings(y, phases)
        for name in ours.keys() & theirs.keys():
            seen, one, other = True, ours[name], theirs[name]
            p, q = _value(a, x, one), _value(b, y, other)
            if p is not None:
                lengths.append(_length(p, q, _order(x)))
            if one.digest == other.digest:
                continue
            differing = True
            if p is not None and q is not None:
                sizes.append(size_of_values(p, q, _order(x), _order(y)))
            elif one.described.shape in ((), None) and one.sketch[1] == other.sketch[1] == 0.0:
                sizes.append(size_of_scalars(one.described.dtype, one.sketch[0], other.sketch[0]))
    if not seen:
        return None
    if not differing:
        return _EQUAL
    if Phase.UPDATE in phases and lengths:  # the parameters of one model are of one kind; observed values may be of any
        lengths = [_Length(sum(one.apart for one in lengths), sum(one.whole for one in lengths))]
    distance = max((one.ratio for one in lengths), default=None) or None
    return Final(
        _most(s.max_abs for s in sizes), _most(s.max_rel for s in sizes), _most(s.ulp for s in sizes), distance
    )


@dataclass(frozen=True)
class _Length:
    """Squares of the distance of two values, and of the longer of them."""

    apart: float
    whole: float

    @property
    def ratio(self) -> float:
        ratio = math.sqrt(self.apart / self.whole) if self.apart and self.whole else 0.0
        return ratio if math.isfinite(ratio) else 0.0


def _endings(stream: Stream, phases: tuple[Phase, ...]) -> dict[tuple[Phase, str], _Ending]:
    found: dict[tuple[Phase, str], _Ending] = {}
    for segment in stream.segments():
        template = stream.template(segment.template)
        for event in template.compared:
            described = template.described[event]
            if described.phase not in phases:
                continue
            last = segment.count - 1
            numbers = segment.sketches[last, event]
            found[described.phase, described.name] = _Ending(
                segment.first + last,
                event,
                described,
                segment.digests[last, event].tobytes(),
                (float(numbers[0]), float(numbers[1])),
            )
    return found


def _value(record: Record, stream: Stream, ending: _Ending) -> Value | None:
    kept = record.values(stream.key)
    return kept.get(ending.frame, ending.event) if kept is not None else None


def _length(p: Value, q: Value | None, order: str) -> _Length:
    x = _numbers(p, order)
    y = _numbers(q, order) if q is not None else x
    if x.shape != y.shape:
        return _Length(0.0, 0.0)
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    return _Length(float(np.square(x - y).sum()), max(float(np.square(x).sum()), float(np.square(y).sum())))


def _numbers(value: Value, order: str) -> NDArray[np.float64]:
    if not dtypes.is_known(value.dtype):
        return np.zeros(0)
    try:
        dtype, bits = dtypes.parts(value, order)
    except ValueError:
        return np.zeros(0)
    return dtypes.numbers(dtype, bits)


def _order(stream: Stream) -> str:
    return (stream.byte_order or b"<").decode()


def _most(numbers: Iterator[T | None]) -> T | None:
    return max((number for number in numbers if number is not None), default=None)
