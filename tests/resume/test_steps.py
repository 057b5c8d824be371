"""Where a resumed run begins in the full one, and what counts as a difference from there on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "compare"))  # for made_runs

from made_runs import Event, Run, training, write_run

from reprotest.record import Record
from reprotest.record.event import Phase
from reprotest.resume.align import find_start
from reprotest.resume.steps import Outcome, compare

Frames = list[tuple[int, list[Event]]]


@pytest.fixture
def make(tmp_path: Path) -> Callable[[Frames], Record]:
    count = iter(range(100))
    return lambda frames: write_run(tmp_path / str(next(count)), Run({"main": frames}))


def resumed(frames: Frames, at: int) -> Frames:
    """What a run leaves that goes on from that step."""
    before = [Event(e.name, e.value, Phase.INIT) for e in frames[at - 1][1] if e.phase is Phase.UPDATE]
    rest = [(step - at, list(events)) for step, events in frames[at:]]
    rest[0] = (0, [*before, *rest[0][1]])
    return rest


def compared(full: Record, second: Record, hint: int | None = None) -> tuple[int, bool, Outcome]:
    start = find_start(full.streams["main"], second.streams["main"], hint)
    assert start is not None
    return start.step, start.exact, compare(full, second, "main", start.frame)


def test_the_place_is_where_the_parameters_are_the_same(make) -> None:  # type: ignore[no-untyped-def]
    step, exact, outcome = compared(make(training(6)), make(resumed(training(6), 4)))
    assert (step, exact, outcome.steps, outcome.difference) == (4, True, 2, None)


def test_of_several_such_places_the_first_run_decides(make) -> None:  # type: ignore[no-untyped-def]
    still = training(6, **{f"{step}:w{i}": "frozen" for step in range(6) for i in range(3)})
    assert compared(make(still), make(resumed(still, 2)), hint=2)[0] == 2


def test_without_the_parameters_it_is_where_the_first_run_ended(make) -> None:  # type: ignore[no-untyped-def]
    second = resumed(training(6), 3)
    second[0][1][0].value = "another"
    step, exact, _ = compared(make(training(6)), make(second), hint=3)
    assert (step, exact) == (3, False)


def test_the_first_difference_has_the_full_runs_step(make) -> None:  # type: ignore[no-untyped-def]
    changed = training(6, **{"5:loss": 17.5})
    _, _, outcome = compared(make(training(6)), make(resumed(changed, 3)))
    assert outcome.difference is not None
    assert (outcome.difference.step, outcome.difference.phase, outcome.difference.name) == (5, "loss", "loss")
    assert outcome.steps == 2


def test_batches_that_are_skipped_before_the_first_step_do_not_count(make) -> None:  # type: ignore[no-untyped-def]
    second = resumed(training(6), 3)
    skipped = [Event("batch[0]", f"batch {n}", Phase.DATA) for n in range(3)]
    second[0] = (0, [*skipped, *second[0][1]])
    assert compared(make(training(6)), make(second))[2].difference is None


def test_an_evaluation_that_the_full_run_made_before_does_not_count(make) -> None:  # type: ignore[no-untyped-def]
    full = training(6)
    full[3] = (3, [Event("batch[0]", "validation", Phase.DATA), *full[3][1]])
    full.insert(3, (0, [Event("accuracy", 0.5, Phase.METRIC)]))
    assert compared(make(full), make(resumed(training(6), 3)))[2].difference is None


def test_a_batch_that_comes_again_says_which(make) -> None:  # type: ignore[no-untyped-def]
    replayed = training(6, **{f"{step}:batch[0]": f"batch {step - 3}" for step in range(3, 6)})
    difference = compared(make(training(6)), make(resumed(replayed, 3)))[2].difference
    assert difference is not None
    assert difference.kind == "order"
    assert difference.note == "the resumed run is given the batch of step 0 again"


def test_a_run_that_goes_on_for_longer_differs(make) -> None:  # type: ignore[no-untyped-def]
    difference = compared(make(training(6)), make(resumed(training(8), 4)))[2].difference
    assert difference is not None
    assert difference.kind == "length"


def test_a_loss_more_in_a_later_step_differs(make) -> None:  # type: ignore[no-untyped-def]
    second = resumed(training(6), 3)
    second[1][1].insert(0, Event("loss", 1.5, Phase.LOSS))
    assert compared(make(training(6)), make(second))[2].difference is not None
