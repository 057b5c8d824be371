"""How two runs drift apart over the whole course of a training, in bounded memory: by step, and by module and step.

Both pictures have a fixed number of columns. Each column stands for `width` steps; when a run is longer than they reach, pairs of
columns are merged and the width doubles, so that a million steps cost no more memory than a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprotest.compare.growth import common_segments
from reprotest.compare.pairs import paired
from reprotest.compare.streams import check_comparable
from reprotest.record.directory import Record
from reprotest.record.event import Phase
from reprotest.record.stream import Stream
from reprotest.record.template import Description, Template

COLUMNS = 128
MOST_ROWS = 4096
"""Modules beyond these share the last row."""
ABSENT = -1.0
SEEN = 1e-300
"""A difference that the digest shows and the few numbers kept beside it do not."""
_AT_ONCE = 1 << 20
"""Events that are looked at together."""


@dataclass(frozen=True)
class Course:
    """Two runs side by side.

    Attributes:
        width: steps a column.
        steps: (columns,) first step of each column.
        rows: what each row of `apart` is: (phase, name of the module or value).
        apart: (rows, columns) largest relative difference of the sampled numbers: ABSENT where nothing was compared, 0 where all
            was equal, SEEN where bits differ and the numbers kept do not show by how much.
        events, differing: (columns,) how many events were compared, and how many of them differ.
    """

    width: int
    steps: NDArray[np.int64]
    rows: tuple[tuple[Phase, str], ...]
    apart: NDArray[np.float64]
    events: NDArray[np.int64]
    differing: NDArray[np.int64]

    @property
    def largest(self) -> NDArray[np.float64]:
        """(columns,) largest difference of any row."""
        return np.asarray(self.apart.max(axis=0, initial=ABSENT))


def course(a: Record, b: Record) -> Course:
    """Follow two records to the end of the shorter one, as far as they have the same events. Raises RecordError."""
    canvas = _Canvas()
    for x, y in paired(a, b):
        if x is not None and y is not None:
            check_comparable(x, y)
            _streams(canvas, x, y)
    return canvas.course()


def module_of(event: Description) -> tuple[Phase, str]:
    """The row that an event belongs to: its module for weights and gradients, itself for everything else."""
    if event.phase in (Phase.INIT, Phase.BACKWARD, Phase.UPDATE):
        return Phase.FORWARD, event.name.rpartition(".")[0] or event.name
    if event.phase is Phase.DATA:
        return Phase.DATA, "input data"
    return event.phase, event.name


class _Canvas:
    def __init__(self) -> None:
        self._rows: dict[tuple[Phase, str], int] = {}
        self._width = 1
        self._apart = np.full((16, COLUMNS), ABSENT)
        self._events = np.zeros(COLUMNS, np.int64)
        self._differing = np.zeros(COLUMNS, np.int64)
        self._last = -1

    def row(self, key: tuple[Phase, str]) -> int:
        found = self._rows.get(key)
        if found is None:
            if len(self._rows) >= MOST_ROWS:
                return self._rows.setdefault((Phase.OUTPUT, "everything else"), len(self._rows))
            found = self._rows[key] = len(self._rows)
            if found >= len(self._apart):
                self._apart = np.vstack([self._apart, np.full_like(self._apart, ABSENT)])
        return found

    def column(self, steps: NDArray[np.int64]) -> NDArray[np.int64]:
        """The columns of some steps; makes room for them."""
        last = int(steps.max())
        self._last = max(self._last, last)
        while last >= self._width * COLUMNS:
            self._apart = _halved(self._apart, np.maximum, ABSENT)
            self._events = _halved(self._events[None], np.add, 0)[0]
            self._differing = _halved(self._differing[None], np.add, 0)[0]
            self._width *= 2
        return np.maximum(steps, 0) // self._width

    def put(self, rows: NDArray[np.intp], columns: NDArray[np.int64], apart: NDArray[np.float64]) -> None:
        """Add what was seen: `apart` is (frames, events), `rows` (events,), `columns` (frames,)."""
        order = np.argsort(rows, kind="stable")
        starts = np.flatnonzero(np.diff(rows[order], prepend=-1))
        by_row = np.maximum.reduceat(apart[:, order], starts, axis=1)
        np.maximum.at(self._apart, (rows[order][starts][None, :], columns[:, None]), by_row)
        np.add.at(self._events, columns, apart.shape[1])
        np.add.at(self._differing, columns, (apart > 0).sum(axis=1))

    def course(self) -> Course:
        used = self._last // self._width + 1
        return Course(
            self._width,
            np.arange(used, dtype=np.int64) * self._width,
            tuple(self._rows),
            self._apart[: len(self._rows), :used],
            self._events[:used],
            self._differing[:used],
        )


def _halved(columns: NDArray[Any], merge: np.ufunc, empty: float) -> NDArray[Any]:
    halves = merge(columns[:, 0::2], columns[:, 1::2])
    return np.hstack([halves, np.full_like(halves, empty)])


def _streams(canvas: _Canvas, x: Stream, y: Stream) -> None:
    for p, i, q, j, n in common_segments(x, y):
        ours, theirs = x.template(p.template), y.template(q.template)
        if not ours.compared or not ours.alike(theirs):
            continue
        rows = _rows(canvas, ours, x.key)
        # Nearly always the compared events lie together: a slice copies nothing.
        mine, other = _span(ours.compared), _span(theirs.compared)
        most = max(1, _AT_ONCE // len(ours))
        for start in range(0, n, most):
            take = min(most, n - start)
            f, g = slice(i + start, i + start + take), slice(j + start, j + start + take)
            columns = canvas.column(p.steps[f])
            if np.array_equal(p.roots[f], q.roots[g]):
                canvas.put(rows, columns, np.zeros((take, len(rows))))
                continue
            apart = _apart(
                p.digests[f][:, mine], q.digests[g][:, other], p.sketches[f][:, mine], q.sketches[g][:, other]
            )
            canvas.put(rows, columns, apart)


def _rows(canvas: _Canvas, template: Template, key: str) -> NDArray[np.intp]:
    rows = []
    for index in template.compared:
        phase, name = module_of(template.described[index])
        rows.append(canvas.row((phase, name if key == "main" else f"{key}: {name}")))
    return np.array(rows, np.intp)


def _span(places: tuple[int, ...]) -> slice | list[int]:
    first, last = places[0], places[-1]
    return slice(first, last + 1) if last - first + 1 == len(places) else list(places)


def _apart(
    digests_a: NDArray[np.uint64], digests_b: NDArray[np.uint64], a: NDArray[np.float64], b: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(frames, events): how far each event is apart."""
    differ = (digests_a[..., 0] != digests_b[..., 0]) | (digests_a[..., 1] != digests_b[..., 1])
    with np.errstate(all="ignore"):
        scalar = (a[..., 1] == 0) & (b[..., 1] == 0)
        scale = np.where(scalar, np.maximum(np.abs(a[..., 0]), np.abs(b[..., 0])), np.maximum(a[..., 1], b[..., 1]))
        relative = np.abs(a[..., 0] - b[..., 0]) / scale
    known = np.where(np.isfinite(relative), relative, SEEN)
    return np.where(differ, np.maximum(known, SEEN), 0.0)
