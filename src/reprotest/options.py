"""What a caller may ask of `run`, and what `run` tells while it works. Plain data, light to import."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from reprotest.errors import UsageError
from reprotest.result import Difference, Experiment

BASE_SEED = 271_828_183
"""Large, so that it is no seed of the program's own: one that looks for its own PYTHONHASHSEED must not take this for it."""


@dataclass(frozen=True)
class RunOptions:
    """How to repeat a command.

    Attributes:
        runs: how often the unmodified command is run before anything is concluded (at least 2).
        steps: compare only this many optimiser steps, then end the program; None: to its end.
        timeout: seconds that one run may take; None: no limit.
        diagnose: on a difference, locate it finely and look for the cause by experiment.
        keep: keep the records of the experiments too, not only those of the repeated runs.
        seed: base seed of the values to which experiments pin factors.

    Raises:
        UsageError: a value outside of its range.
    """

    runs: int = 2
    steps: int | None = None
    timeout: float | None = None
    diagnose: bool = True
    keep: bool = False
    seed: int = BASE_SEED

    def __post_init__(self) -> None:
        if self.runs < 2:
            raise UsageError(f"runs is {self.runs}, but it takes at least 2 runs to compare: give 2 or more")
        if self.steps is not None and self.steps < 1:
            raise UsageError(
                f"steps is {self.steps}, expected at least 1: leave it out to compare to the program's end"
            )
        if self.timeout is not None and not self.timeout > 0:
            raise UsageError(f"timeout is {self.timeout}, expected seconds above 0: leave it out for no limit")
        if self.seed < 0:
            raise UsageError(f"seed is {self.seed}, expected a whole number of at least 0")


class Stage(StrEnum):
    """The parts of a session, in their order. A stage may be left out."""

    REPEAT = "repeat"
    """The unmodified command, `runs` times."""
    LOCATE = "locate"
    """Again round the first difference, observed more finely."""
    EXPERIMENT = "experiment"
    """With factors pinned and freed."""
    VARY = "vary"
    """With one factor at a time at another value."""


@dataclass(frozen=True)
class StageStarted:
    """A part of the session begins. `runs`: how many runs (or experiments) it will take, where that is known."""

    stage: Stage
    runs: int | None = None


@dataclass(frozen=True)
class RunStarted:
    """A run of the command begins.

    Attributes:
        number: from 1, within its stage.
        of: how many this stage will take; None when not known yet.
        steps: how many optimiser steps it is expected to take (from an earlier run, or where it will be stopped).
    """

    number: int
    of: int | None = None
    steps: int | None = None


@dataclass(frozen=True)
class StepReached:
    """The current run has completed `step` optimiser steps. May be sent as often as is convenient."""

    step: int


@dataclass(frozen=True)
class RunEnded:
    """The current run ended. `steps`: those it completed."""

    number: int
    seconds: float
    steps: int
    exit_code: int | None = None


@dataclass(frozen=True)
class DifferenceFound:
    """Two runs differ, and this is where first."""

    difference: Difference


@dataclass(frozen=True)
class ExperimentStarted:
    """An experiment begins. `what`: as in the table of experiments; `of`: how many there will be, if known."""

    what: str
    factor: str | None
    number: int
    of: int | None = None


@dataclass(frozen=True)
class ExperimentEnded:
    """An experiment ended with the given row of the table."""

    experiment: Experiment


ProgressEvent = (
    StageStarted | RunStarted | StepReached | RunEnded | DifferenceFound | ExperimentStarted | ExperimentEnded
)
OnEvent = Callable[[ProgressEvent], None]


def ignore(event: ProgressEvent) -> None:
    """The listener of those who do not want to know."""
