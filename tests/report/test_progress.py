from __future__ import annotations

import io

import pytest
from rich.console import Console

from reprotest.options import (
    DifferenceFound,
    ExperimentEnded,
    ExperimentStarted,
    RunEnded,
    RunStarted,
    Stage,
    StageStarted,
    StepReached,
    ignore,
)
from reprotest.report.progress import Estimate, shown
from reprotest.result import Difference, Experiment


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_nothing_is_promised_before_anything_is_known(clock: Clock) -> None:
    estimate = Estimate(clock)
    assert estimate.remaining is None
    estimate.take(StageStarted(Stage.REPEAT, runs=2))
    estimate.take(RunStarted(1, 2))
    estimate.take(StepReached(5))
    assert estimate.remaining is None
    assert estimate.doing == "Repeating: run 1 of 2"


def test_the_first_run_tells_how_long_the_others_take(clock: Clock) -> None:
    estimate = Estimate(clock)
    estimate.take(StageStarted(Stage.REPEAT, runs=3))
    estimate.take(RunStarted(1, 3))
    clock.now += 10
    estimate.take(RunEnded(1, 10.0, steps=40, exit_code=0))
    assert estimate.remaining == 20
    estimate.take(RunStarted(2, 3, steps=40))
    assert estimate.remaining == 20
    clock.now += 4
    assert estimate.remaining == 16
    assert estimate.elapsed == 14
    clock.now += 60
    assert estimate.remaining == 10


def test_known_steps_tell_before_the_first_run_ends(clock: Clock) -> None:
    estimate = Estimate(clock)
    estimate.take(StageStarted(Stage.REPEAT, runs=2))
    estimate.take(RunStarted(1, 2, steps=100))
    clock.now += 10
    estimate.take(StepReached(25))
    assert estimate.remaining == 30 + 40


def test_experiments(clock: Clock) -> None:
    estimate = Estimate(clock)
    estimate.take(DifferenceFound(Difference(step=3, phase="loss", name="loss")))
    assert estimate.doing == "They differ at step 3, loss: loss"
    estimate.take(StageStarted(Stage.EXPERIMENT, runs=3))
    estimate.take(ExperimentStarted("everything pinned", None, 1, 3))
    estimate.take(RunStarted(1))
    assert estimate.doing == "Experiment 1 of 3: everything pinned"
    clock.now += 5
    estimate.take(ExperimentEnded(Experiment("everything pinned", None, "identical", 5.0)))
    estimate.take(ExperimentStarted("clock left to vary", "clock", 2, 3))
    assert estimate.remaining == 10


def test_the_line_is_gone_when_the_work_is_done() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, color_system=None, _environ={"TERM": "xterm"})
    with shown(console) as listen:
        listen(StageStarted(Stage.REPEAT, runs=2))
        listen(RunStarted(1, 2, steps=40))
        listen(StepReached(7))
    assert "Repeating: run 1 of 2" in file.getvalue()
    assert "step 7 of 40" in file.getvalue()
    assert file.getvalue().endswith("\x1b[1A\x1b[2K") or file.getvalue().endswith("\x1b[2K")


def test_nothing_where_nobody_looks() -> None:
    piped, quiet = io.StringIO(), io.StringIO()
    with shown(Console(file=piped)) as listen:
        assert listen is ignore
    with shown(Console(file=quiet, force_terminal=True), quiet=True) as listen:
        listen(RunStarted(1, 2))
    assert piped.getvalue() == quiet.getvalue() == ""
