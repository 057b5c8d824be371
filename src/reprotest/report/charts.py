"""Where everything lies in the pictures of a page: how runs drift apart by step, and by module and step.

Only numbers and short texts are computed here; the templates draw them as SVG whose colours are CSS variables, so that the pictures
follow the reader's light or dark theme, print, and are text to a screen reader.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from reprotest.compare.course import ABSENT, SEEN, Course
from reprotest.record.event import Phase
from reprotest.report import words

WIDTH = 760
LEFT, RIGHT = 92, 16
_PLOT = WIDTH - LEFT - RIGHT

BANDS = (
    ("band0", "equal"),
    ("band1", "bits differ, size not kept"),
    ("band2", "up to 1e-6"),
    ("band3", "up to 1e-4"),
    ("band4", "up to 1e-2"),
    ("band5", "up to 1"),
    ("band6", "more"),
)
"""Class and meaning of each colour of the heat map: relative difference."""
_LIMITS = np.array([0.0, SEEN, 1e-6, 1e-4, 1e-2, 1.0])

MOST_MODULES = 36


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    at: float
    text: str


@dataclass(frozen=True)
class Curve:
    """The divergence curve: a line of sizes over steps, and below it the share of events that differ.

    Attributes:
        line, area: SVG path data.
        bars: (x, width, height) of the shares.
        x, y: ticks. `y` begins with the lanes "equal" and "bits differ".
        first: x of the first difference; None without any.
        said: the picture in words.
        rows: the same as a table: steps, events that differ, largest relative difference.
    """

    line: str
    area: str
    bars: tuple[tuple[float, float, float], ...]
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    first: float | None
    said: str
    rows: tuple[tuple[str, str, str], ...]
    top: int = 12
    bottom: int = 232
    share_top: int = 262
    share_bottom: int = 312


@dataclass(frozen=True)
class Heat:
    """The heat map.

    Attributes:
        left: where the columns begin.
        cells: SVG path data of each band's cells.
        labels: a tick a row.
        x: ticks.
        height: of the cells.
        said: the picture in words.
        rows: the same as a table: module, first difference, largest difference, share of the columns that differ.
    """

    left: float
    cells: tuple[tuple[str, str], ...]
    labels: tuple[Tick, ...]
    x: tuple[Tick, ...]
    height: float
    said: str
    rows: tuple[tuple[str, str, str, str], ...]


def curve(run: Course) -> Curve:
    """The divergence curve of two runs."""
    largest = run.largest
    n = len(largest)
    step = _PLOT / max(n, 1)
    sizes = largest[(largest > SEEN) & np.isfinite(largest)]
    low = math.floor(math.log10(sizes.min())) if sizes.size else -8
    high = math.ceil(math.log10(sizes.max())) if sizes.size else 0
    high = max(high, low + 1)
    top, bottom, lane = 12.0, 232.0, 26.0
    floor = bottom - 2 * lane - 12

    def y(value: float) -> float:
        if value <= 0:
            return bottom - lane / 2
        if value <= SEEN:
            return bottom - 1.5 * lane
        return floor - (floor - top) * (math.log10(value) - low) / (high - low)

    line: list[str] = []
    for i, value in enumerate(largest):
        if value == ABSENT:
            continue
        x = LEFT + i * step
        line.append(f"{'L' if line else 'M'}{x:.1f} {y(float(value)):.1f}H{x + step:.1f}")
    drawn = "".join(line)
    every = max(1, math.ceil((high - low) / 6))
    ticks = [Tick(bottom - lane / 2, "equal"), Tick(bottom - 1.5 * lane, "bits differ")]
    ticks += [Tick(y(10.0**e), _power(e)) for e in range(low, high + 1, every)]
    differing = np.flatnonzero(run.differing)
    shares = run.differing / np.maximum(run.events, 1)
    return Curve(
        line=drawn,
        area=f"{drawn}V{bottom}H{LEFT}Z" if drawn else "",
        bars=tuple(
            (round(LEFT + i * step, 1), round(max(step - (0.6 if step > 3 else 0), 0.5), 1), round(50 * float(s), 1))
            for i, s in enumerate(shares)
            if s
        ),
        x=tuple(_steps(run, LEFT, _PLOT)),
        y=tuple(ticks),
        first=round(LEFT + int(differing[0]) * step, 1) if differing.size else None,
        said=_curve_said(run, differing),
        rows=tuple(
            (
                _span(run, i),
                f"{words.grouped(int(run.differing[i]))} of {words.grouped(int(run.events[i]))}",
                _size(float(largest[i])),
            )
            for i in range(n)
        ),
    )


def heat(run: Course) -> Heat:
    """The heat map of two runs."""
    names, apart = _grouped(run)
    left = float(min(max((len(name) for name in names), default=0), 30) * 7 + 14)
    row, plot = 20.0, WIDTH - left - RIGHT
    n = apart.shape[1]
    step = plot / max(n, 1)
    gap = 1.0 if step > 4 else 0.0
    bands = np.digitize(apart, _LIMITS, right=True)
    cells = {name: [] for name, _ in BANDS}  # type: dict[str, list[str]]
    for i in range(apart.shape[0]):
        for start, end, band in _stretches(bands[i], apart[i]):
            x, w = left + start * step, (end - start) * step - gap
            cells[BANDS[band][0]].append(f"M{x:.1f} {i * row:.0f}h{w:.1f}v{row - 1:.0f}h-{w:.1f}z")
    rows = []
    for name, values in zip(names, apart, strict=True):
        seen, differ = np.flatnonzero(values > ABSENT), np.flatnonzero(values > 0)
        first = _span(run, int(differ[0])) if differ.size else "never"
        share = f"{100 * differ.size / max(seen.size, 1):.0f} %"
        rows.append((name, first, _size(float(values.max(initial=ABSENT))), share))
    return Heat(
        left=left,
        cells=tuple((name, "".join(path)) for name, path in cells.items() if path),
        labels=tuple(Tick(i * row + row / 2, _short(name)) for i, name in enumerate(names)),
        x=tuple(_steps(run, left, plot)),
        height=row * len(names),
        said=_heat_said(rows),
        rows=tuple(rows),
    )


def _stretches(bands: NDArray[np.intp], values: NDArray[np.float64]) -> Iterator[tuple[int, int, int]]:
    """Neighbouring cells of one band, as one: (from, to, band). Cells where nothing was compared are left out."""
    edges = [0, *(int(i) + 1 for i in np.flatnonzero(np.diff(bands) | np.diff(values == ABSENT))), len(bands)]
    for start, end in pairwise(edges):
        if end > start and values[start] != ABSENT:
            yield start, end, int(bands[start])


def _grouped(run: Course) -> tuple[list[str], NDArray[np.float64]]:
    """At most so many rows as can be read: inputs first, then modules in their order, deep ones taken together."""
    order = sorted(range(len(run.rows)), key=lambda i: (_PLACE.get(run.rows[i][0], 9), i))
    deepest = max((name.count(".") for _, name in run.rows), default=0)
    for depth in range(deepest + 1, 0, -1):
        groups: dict[str, list[int]] = {}
        for i in order:
            phase, name = run.rows[i]
            short = ".".join(name.split(".")[:depth]) if phase is Phase.FORWARD else name
            groups.setdefault(short, []).append(i)
        if len(groups) <= MOST_MODULES:
            break
    if len(groups) > MOST_MODULES:
        listed = list(groups.items())
        rest = [i for _, members in listed[MOST_MODULES - 1 :] for i in members]
        groups = dict(listed[: MOST_MODULES - 1]) | {f"{len(listed) - MOST_MODULES + 1} others": rest}
    apart = [run.apart[members].max(axis=0) for members in groups.values()]
    return list(groups), np.array(apart).reshape(len(groups), -1)


_PLACE = {Phase.DATA: 0, Phase.FORWARD: 1, Phase.LOSS: 2, Phase.METRIC: 3, Phase.OUTPUT: 4}


def _steps(run: Course, left: float, width: float) -> Iterator[Tick]:
    total = len(run.steps) * run.width
    if not total:
        return
    each = _nice(total / 7)
    for at in range(0, total, each):
        yield Tick(round(left + width * (at + (0.5 if run.width == 1 else 0)) / total, 1), words.grouped(at))


def _nice(rough: float) -> int:
    """A round number of steps of about that size."""
    scale = 10 ** math.floor(math.log10(max(rough, 1)))
    return max(1, next(int(n * scale) for n in (1, 2, 5, 10) if n * scale >= rough or n == 10))


def _power(exponent: int) -> str:
    return {0: "1", 1: "10"}.get(exponent, f"1e{exponent}")


def _span(run: Course, column: int) -> str:
    first = int(run.steps[column])
    return f"step {first}" if run.width == 1 else f"steps {first} to {first + run.width - 1}"


def _size(value: float) -> str:
    if value == ABSENT:
        return "not compared"
    if value <= 0:
        return "equal"
    return "bits differ" if value <= SEEN else words.number(value)


def _short(name: str) -> str:
    return name if len(name) <= 30 else f"{name[:13]}…{name[-16:]}"


def _curve_said(run: Course, differing: NDArray[np.intp]) -> str:
    if not differing.size:
        return "The runs are equal at every step."
    largest = float(run.largest.max())
    first = _span(run, int(differing[0]))
    said = (
        f"From {first} on the runs differ" if differing[0] else f"The runs differ from the first {first.split()[0]} on"
    )
    peak = _span(run, int(run.largest.argmax()))
    size = (
        f"the largest relative difference, {words.number(largest)}, is at {peak}" if largest > SEEN else "in bits only"
    )
    agree = not run.differing[-1] and run.largest[-1] != ABSENT
    again = " At the end they agree again." if agree else ""
    return f"{said}; {size}.{again}"


def _heat_said(rows: list[tuple[str, str, str, str]]) -> str:
    different = [row for row in rows if row[1] != "never"]
    if not different:
        return "No module differs at any step."
    return (
        f"{len(different)} of {words.count(len(rows), 'row')} differ. The first: "
        f"{words.listing([f'{name} at {first}' for name, first, _, _ in different], 3)}."
    )
