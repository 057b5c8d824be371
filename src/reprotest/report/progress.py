"""What is going on, while it goes on: one line on a terminal with elapsed and remaining time, nothing elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reprotest.options import (
    DifferenceFound,
    ExperimentEnded,
    ExperimentStarted,
    OnEvent,
    ProgressEvent,
    RunEnded,
    RunStarted,
    Stage,
    StageStarted,
    StepReached,
    ignore,
)
from reprotest.report import words

if TYPE_CHECKING:
    from rich.console import Console


class Estimate:
    """Where a session stands and how long its present stage will still take, from what its runs have taken so far."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.began = clock()
        self.doing = "Starting"
        self.step = 0
        self.steps: int | None = None
        self._stage = Stage.REPEAT
        self._of: int | None = None
        self._number = 0
        self._done: list[float] = []
        self._started = self.began

    def take(self, event: ProgressEvent) -> None:
        """Bring everything up to date with an event."""
        match event:
            case StageStarted(stage, runs):
                self._stage, self._of, self._number, self._done = stage, runs, 0, []
                self._begin(_STAGES[stage], None)
            case RunStarted(number, of, steps):
                if self._stage is Stage.EXPERIMENT:  # an experiment may take several runs
                    self.step, self.steps = 0, steps
                else:
                    self._number, self._of = number, of or self._of
                    total = f" of {self._of}" if self._of else ""
                    self._begin(f"{_STAGES[self._stage]}: run {number}{total}", steps)
            case StepReached(step):
                self.step = max(step, 0)
            case RunEnded(_, seconds, steps, _):
                if self._stage not in (Stage.EXPERIMENT, Stage.VARY):
                    self._done.append(seconds)
                self.step = self.steps = steps
            case DifferenceFound(difference):
                self._of, self._done = None, []
                self._begin(f"They differ at {words.place(difference)}", None)
            case ExperimentStarted(what, _, number, of):
                self._number, self._of = number, of or self._of
                total = f" of {self._of}" if self._of else ""
                kind = "Variation" if self._stage is Stage.VARY else "Experiment"
                self._begin(f"{kind} {number}{total}: {what}", None)
            case ExperimentEnded(experiment):
                self._done.append(experiment.seconds)

    def _begin(self, doing: str, steps: int | None) -> None:
        self.doing, self.step, self.steps, self._started = doing, 0, steps, self._clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the session began."""
        return self._clock() - self.began

    @property
    def remaining(self) -> float | None:
        """Seconds that the present stage will still take; None while that cannot be told."""
        if not self._of:
            return None
        running = self._clock() - self._started
        if self._done:
            each = sum(self._done) / len(self._done)
        elif self.steps and self.step:
            each = running * self.steps / self.step
        else:
            return None
        after = self._of - max(self._number, len(self._done))
        now = max(each - running, 0.0) if self._number > len(self._done) else 0.0
        return now + max(after, 0) * each


_STAGES = {
    Stage.REPEAT: "Repeating",
    Stage.LOCATE: "Locating the first difference",
    Stage.EXPERIMENT: "Looking for the cause",
    Stage.VARY: "Varying",
}


@contextmanager
def shown(console: Console, *, quiet: bool = False) -> Iterator[OnEvent]:
    """A listener that keeps one line of the terminal up to date while the context lasts, and leaves nothing behind.

    Where the console is no terminal, or with `quiet`, the listener does nothing.
    """
    if quiet or not console.is_terminal or console.is_dumb_terminal:
        yield ignore
        return
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

    estimate = Estimate()
    plain = not console.encoding.lower().startswith("utf")
    spinner = "|/-\\" if plain else "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"

    def line() -> Table:
        mark = spinner[int(estimate.elapsed * 10) % len(spinner)]
        step = ""
        if estimate.step or estimate.steps:
            total = f" of {estimate.steps}" if estimate.steps else ""
            step = f"step {estimate.step}{total}"
        left = estimate.remaining
        spent = words.times(estimate.elapsed) + (f", about {words.times(left)} left" if left is not None else "")
        row = Table.grid(expand=True, padding=(0, 2, 0, 0))
        row.add_column(width=1)
        row.add_column(no_wrap=True, overflow="crop" if plain else "ellipsis", ratio=1)
        row.add_column(no_wrap=True)
        row.add_column(no_wrap=True, justify="right")
        row.add_row(Text(mark, "cyan"), Text(estimate.doing), Text(step, "cyan"), Text(spent, "dim"))
        return row

    with Live(console=console, get_renderable=line, refresh_per_second=8, transient=True):
        yield estimate.take
