"""How a difference grows from step to step, from the sketches: for the divergence curve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reprotest.compare.pairs import paired
from reprotest.compare.streams import check_comparable
from reprotest.record.directory import Record
from reprotest.record.stream import Segment, Stream


@dataclass(frozen=True)
class Divergence:
    """How far two runs are apart in one frame.

    Attributes:
        stream: which process and thread.
        step: as the probe counted.
        events: compared events in both.
        differing: how many of them differ.
        relative: largest |mean - mean| / root mean square of a sample, over the events; None when no numbers were kept.
    """

    stream: str
    step: int
    events: int
    differing: int
    relative: float | None


def growth(a: Record, b: Record) -> Iterator[Divergence]:
    """The divergence frame by frame, as far as both runs have the same events. Raises RecordError."""
    for x, y in paired(a, b):
        if x is not None and y is not None:
            check_comparable(x, y)
            yield from _of_streams(x, y)


def _of_streams(x: Stream, y: Stream) -> Iterator[Divergence]:
    for p, i, q, j, n in common_segments(x, y):
        ours, theirs = x.template(p.template), y.template(q.template)
        if not ours.alike(theirs):
            continue
        for start in range(0, n, 256):
            take = min(256, n - start)
            yield from _of_frames(
                x.key,
                p.steps[i + start : i + start + take],
                p.digests[i + start : i + start + take, list(ours.compared)],
                q.digests[j + start : j + start + take, list(theirs.compared)],
                p.sketches[i + start : i + start + take, list(ours.compared)],
                q.sketches[j + start : j + start + take, list(theirs.compared)],
            )


def _of_frames(
    key: str,
    steps: NDArray[np.int64],
    digests_a: NDArray[np.uint64],
    digests_b: NDArray[np.uint64],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
) -> Iterator[Divergence]:
    differ = (digests_a != digests_b).any(axis=2)
    with np.errstate(all="ignore"):
        scalar = (a[..., 1] == 0) & (b[..., 1] == 0)
        scale = np.where(scalar, np.maximum(np.abs(a[..., 0]), np.abs(b[..., 0])), np.maximum(a[..., 1], b[..., 1]))
        relative = np.where(differ, np.abs(a[..., 0] - b[..., 0]) / scale, 0.0)
    relative = np.where(np.isfinite(relative), relative, np.nan)
    for k, step in enumerate(steps):
        known = relative[k][~np.isnan(relative[k])]
        yield Divergence(
            key, int(step), differ.shape[1], int(differ[k].sum()), float(known.max()) if known.size else None
        )


def common_segments(x: Stream, y: Stream) -> Iterator[tuple[Segment, int, Segment, int, int]]:
    """Stretches of frames with one template in each stream: segment, place in it, twice, and how many frames."""
    ours, theirs = x.segments(), y.segments()
    p, q = next(ours, None), next(theirs, None)
    i = j = 0
    while p is not None and q is not None:
        n = min(p.count - i, q.count - j)
        yield p, i, q, j, n
        i, j = i + n, j + n
        if i == p.count:
            p, i = next(ours, None), 0
        if j == q.count:
            q, j = next(theirs, None), 0
