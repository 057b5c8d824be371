"""One thing that differs, in a pair of runs that was observed operator by operator: its size there, and the operator that made it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reprotest.compare.frames import value_or_order
from reprotest.compare.pairs import is_numbered
from reprotest.compare.records import difference_of
from reprotest.compare.streams import Mismatch
from reprotest.record.directory import Record
from reprotest.record.frame import Frame
from reprotest.record.stream import Stream
from reprotest.record.template import Description
from reprotest.result import Difference


def as_made(a: Record, b: Record, seen: Difference) -> Difference | None:
    """What differed in an earlier pair of runs, as these two have it.

    The first operator that differs in a run need not be the one that matters: a random draw may be thrown away, or belong to another
    tensor. The one that made a tensor is the last whose output had the very bits of the tensor.

    Args:
        a: a run that was observed operator by operator.
        b: another; it may have ended before.
        seen: initial state or a batch that differs, not observed at the level of operators.

    Returns:
        The same thing with its size in this pair, where it differs in it again, and the operator and line that made it, where one did;
        else the line that took it. None when the runs have no such thing.
    """
    if is_numbered(seen.stream) or seen.stream not in a.streams:
        return None
    x, y = a.streams[seen.stream], b.streams.get(seen.stream)
    theirs = _occurrences(y, seen) if y is not None else iter(())
    first = None
    for ours, i, maker in _occurrences(x, seen):
        described = ours.template.described[i]
        first = first or _made(replace(seen, location=described.location), maker)
        other, j, _ = next(theirs, (None, 0, None))
        if other is not None and y is not None and ours.digest(i) != other.digest(j):
            mismatch = Mismatch(value_or_order(ours, other, i, j), ours, other)
            return _made(difference_of(a, b, x, y, mismatch), maker)
    return first


def _made(difference: Difference, maker: Description | None) -> Difference:
    return replace(difference, op=maker.op, location=maker.location) if maker is not None else difference


def _occurrences(stream: Stream, seen: Difference) -> Iterator[tuple[Frame, int, Description | None]]:
    """Every event of that step, phase and name with the operator that made it, in program order."""
    made: dict[bytes, Description] = {}
    for frame in stream.frames:
        if frame.step > seen.step:
            return
        for index, event in enumerate(frame.template.described):
            digest = frame.digest(index)
            if event.op is not None:
                made[digest] = event
            elif (frame.step, event.phase.name.lower(), event.name) == (seen.step, seen.phase, seen.name):
                yield frame, index, made.get(digest)
