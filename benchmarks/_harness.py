"""Measures alternatives side by side: in turns within one run, so that what else the machine does falls on all of them alike.

A bench file `bench_<what>.py` in this folder offers `rows()`; each row is one figure with its target. It is run by itself
(`python benchmarks/bench_digest.py`) or with all others (`python benchmarks`).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        bench: which bench it belongs to.
        what: what was measured, and against what.
        value: the figure.
        unit: "x" for ratios, "%", "ms", "µs", "GB/s".
        must, aim: the targets of docs/performance (same unit); None where the figure is for comparison only.
        more_is_better: the targets are least, not most, values.
    """

    bench: str
    what: str
    value: float
    unit: str
    must: float | None = None
    aim: float | None = None
    more_is_better: bool = False

    @property
    def verdict(self) -> str:
        """How the figure stands to its targets."""
        for name, target in (("aim met", self.aim), ("must met", self.must)):
            if target is not None and (self.value >= target if self.more_is_better else self.value <= target):
                return name
        return "MISSED" if self.must is not None else ("aim missed" if self.aim is not None else "")


@dataclass(frozen=True)
class Measured:
    """What alternatives took, in seconds a call.

    Attributes:
        rounds: alternative → seconds a call, one number a round.
    """

    rounds: Mapping[str, list[float]]

    def seconds(self, name: str) -> float:
        """The median over the rounds."""
        return statistics.median(self.rounds[name])

    def least(self, name: str) -> float:
        """The fastest round: what the work itself costs, for absolute figures on a machine that others use too."""
        return min(self.rounds[name])

    def ratio(self, name: str, to: str) -> float:
        """The median over the rounds of one alternative's time divided by another's in the same round."""
        return statistics.median(a / b for a, b in zip(self.rounds[name], self.rounds[to], strict=True))


def measure(alternatives: Mapping[str, Callable[[], object]], *, rounds: int = 15, seconds: float = 0.05) -> Measured:
    """Time every alternative in each round, in an order that turns from round to round.

    Args:
        alternatives: name → what to call.
        rounds: how many rounds; the first further one only warms up.
        seconds: about how long each alternative runs in a round; it is called at least once.
    """
    calls = {name: max(1, int(seconds / max(_timed(work, 1), 1e-9))) for name, work in alternatives.items()}
    names = list(alternatives)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            taken[name].append(_timed(alternatives[name], calls[name]) / calls[name])
    return Measured(taken)


def show(rows: Iterable[Row]) -> None:
    """Print rows as a table."""
    lines = [("bench", "what", "value", "must", "aim", "")]
    for row in rows:
        lines.append(
            (
                row.bench,
                row.what,
                _shown(row.value, row.unit),
                _target(row, row.must),
                _target(row, row.aim),
                row.verdict,
            )
        )
    widths = [max(len(line[i]) for line in lines) for i in range(6)]
    for line in lines:
        cells = [
            cell.rjust(width) if 2 <= i <= 4 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells).rstrip(), flush=True)


def _timed(work: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return time.perf_counter() - start


def _shown(value: float, unit: str) -> str:
    return f"{value:.3g} {unit}"


def _target(row: Row, target: float | None) -> str:
    return "" if target is None else f"{'≥' if row.more_is_better else '≤'} {_shown(target, row.unit)}"
