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
    apart = whole = 0.0
    differing = seen = 0
    for x, y in paired(a, b):
        if x is None or y is None:
            continue
        ours, theirs = _endings(x, phases), _endings(y, phases)
        for name in ours.keys() & theirs.keys():
            seen += 1
            one, other = ours[name], theirs[name]
            p, q = _value(a, x, one), _value(b, y, other)
            if p is not None:
                whole += _squares(p, None, _order(x))
            if one.digest == other.digest:
                continue
            differing += 1
            if p is not None and q is not None:
                sizes.append(size_of_values(p, q, _order(x), _order(y)))
                apart += _squares(p, q, _order(x))
            elif one.described.shape in ((), None) and one.sketch[1] == other.sketch[1] == 0.0:
                sizes.append(size_of_scalars(one.described.dtype, one.sketch[0], other.sketch[0]))
                apart += (one.sketch[0] - other.sketch[0]) ** 2
                whole += one.sketch[0] ** 2
    if not seen:
        return None
    if not differing:
        return _EQUAL
    distance = math.sqrt(apart / whole) if whole and apart and math.isfinite(apart) else None
    return Final(
        _most(s.max_abs for s in sizes), _most(s.max_rel for s in sizes), _most(s.ulp for s in sizes), distance
    )


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


def _squares(p: Value, q: Value | None, order: str) -> float:
    """Sum of the squares of a value, or of the difference of two."""
    x = _numbers(p, order)
    if q is not None:
        y = _numbers(q, order)
        x = x - y if x.shape == y.shape else x[:0]
    return float(np.square(x[np.isfinite(x)]).sum())


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
