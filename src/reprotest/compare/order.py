"""Is a difference only one of order: the same rows in a batch, or the same batches in the run, in another order?"""

from __future__ import annotations

from collections import Counter

import numpy as np

from reprotest.record.frame import Frame
from reprotest.record.stream import Stream
from reprotest.record.template import Template
from reprotest.record.values import Value, ValueReader

_MOST_ROWS = 1 << 20


def same_rows(a: Value, b: Value) -> bool:
    """Do two kept values hold the same rows (along their first dimension) in another order?"""
    if (a.dtype, a.shape) != (b.dtype, b.shape) or a.stride != 1 or b.stride != 1:
        return False
    if not a.shape or not 1 < a.shape[0] <= _MOST_ROWS or a.raw == b.raw:
        return False
    return _rows(a) == _rows(b)


def same_rows_over_frames(a: ValueReader, b: ValueReader, frame: int, event: int) -> bool:
    """Do all kept batches from this one on hold together the same rows in another order (a shuffle with another seed)?"""
    frames = [f for f, e in a.keys() if e == event and f >= frame and (f, e) in b]  # noqa: SIM118 - a reader, not a dict
    if len(frames) < 2:
        return False
    ours: Counter[bytes] = Counter()
    theirs: Counter[bytes] = Counter()
    for f in frames:
        x, y = a.get(f, event), b.get(f, event)
        if x is None or y is None or x.stride != 1 or y.stride != 1 or not x.shape or not y.shape:
            return False
        ours += _rows(x)
        theirs += _rows(y)
    return ours == theirs


def frame_with(stream: Stream, template: Template, event: int, digest: bytes, after: int) -> Frame | None:
    """The first frame beyond number `after` in which an event of this phase, name and operator has this digest."""
    wanted = np.frombuffer(digest, "<u8")
    described = template.described[event]
    for segment in stream.segments():
        start = max(0, after + 1 - segment.first)
        if start >= segment.count:
            continue
        candidates = stream.template(segment.template)
        for index in candidates.compared:
            if candidates.described[index][:3] != described[:3]:
                continue
            hits = np.flatnonzero((segment.digests[start:, index] == wanted).all(axis=1))
            if hits.size:
                return segment.frame(start + int(hits[0]))
    return None


def _rows(value: Value) -> Counter[bytes]:
    raw, rows = value.raw, value.shape[0]
    width = len(raw) // rows if rows else 0
    return Counter(bytes(raw[i * width : (i + 1) * width]) for i in range(rows))
