"""Which of several pieces that differ were lost: put back all, then all but one."""

from __future__ import annotations

from collections.abc import Callable

from reprotest.options import ignore
from reprotest.result import Difference, Experiment
from reprotest.resume.experiments import Tried, find_lost
from reprotest.resume.report import Lost

FIRST = Difference(step=6, phase="data", name="batch[0]")
LATER = Difference(step=9, phase="update", name="weight")


def find(
    candidates: list[str], suffices: Callable[[frozenset[str]], Difference | None], unlikely: set[str] | None = None
) -> tuple[list[Lost], list[Experiment]]:
    rows: list[Experiment] = []

    def attempt(details: frozenset[str]) -> Tried:
        return Tried(suffices(details), 0.1, usable=True)

    return find_lost(dict.fromkeys(candidates, ""), unlikely or set(), FIRST, attempt, ignore, rows), rows


def needs(*details: str) -> Callable[[frozenset[str]], Difference | None]:
    return lambda given: None if set(details) <= given else FIRST


def test_the_only_piece_that_differs_takes_one_run() -> None:
    lost, rows = find(["optimizer"], needs("optimizer"))
    assert [(each.detail, each.proven) for each in lost] == [("optimizer", True)]
    assert [row.outcome for row in rows] == ["identical"]


def test_what_differs_without_effect_is_not_blamed() -> None:
    lost, _ = find(["data.position", "optimizer", "torch.random"], needs("torch.random"))
    assert [each.detail for each in lost] == ["torch.random"]


def test_several_are_all_found() -> None:
    every = ["optimizer", "buffers", "scheduler", "torch.random"]
    lost, rows = find(every, needs("optimizer", "scheduler", "torch.random"))
    assert [each.detail for each in lost] == ["optimizer", "scheduler", "torch.random"]
    assert all(each.proven for each in lost)
    assert len(rows) == 1 + len(every)


def test_what_follows_from_another_piece_gives_way_to_it() -> None:
    either = find(["data.position", "torch.random"], lambda given: None if given else FIRST)[0]
    assert [each.detail for each in either] == ["torch.random"]


def test_a_generator_that_was_never_drawn_from_costs_no_run() -> None:
    _, rows = find(["numpy.random", "torch.random"], needs("torch.random"), unlikely={"numpy.random"})
    assert [row.what for row in rows] == ["put back: torch.random"]


def test_unless_the_others_do_not_explain_everything() -> None:
    lost, _ = find(["numpy.random", "torch.random"], needs("numpy.random"), unlikely={"numpy.random"})
    assert [each.detail for each in lost] == ["numpy.random"]


def test_the_programs_own_variables_are_tried_before_generators_that_were_never_drawn_from() -> None:
    unlikely = {"held:scheduler", "numpy.random"}
    lost, rows = find(["held:scheduler", "numpy.random"], needs("held:scheduler"), unlikely)
    assert [each.detail for each in lost] == ["scheduler"]
    assert [row.what for row in rows] == ["put back: the program's own numbers"]


def test_what_only_helps_is_likely_and_not_proven() -> None:
    lost, _ = find(["torch.random"], lambda given: LATER if given else FIRST)
    assert [(each.detail, each.proven) for each in lost] == [("torch.random", False)]
    assert "step 9" in lost[0].evidence


def test_other_data_with_all_else_put_back_is_the_position() -> None:
    lost, _ = find(["torch.random"], lambda given: FIRST)
    assert [(each.detail, each.proven) for each in lost] == [("data.position", False)]
    assert "torch.random, put back with it, is lost as well" in lost[0].evidence
    assert "lost as well" not in find(["scaler"], lambda given: FIRST)[0][0].evidence


def test_a_run_that_fails_proves_nothing() -> None:
    rows: list[Experiment] = []
    lost = find_lost(
        {"scaler": ""}, set(), FIRST, lambda details: Tried(None, 1.0, usable=False, note="it exited with code 1"), ignore, rows
    )  # fmt: skip
    assert [(each.detail, each.proven) for each in lost] == [("scaler", False)]
    assert rows[0].outcome == "inconclusive"


def test_the_programs_own_variables_are_told_under_the_detail_that_they_are() -> None:
    held = {"held:optimizer", "held:buffers"}
    lost, rows = find(["held:optimizer", "held:buffers", "optimizer"], needs("held:optimizer", "optimizer"), held)
    assert [(each.detail, each.proven) for each in lost] == [("optimizer", True)]
    assert "the program's own moments" in lost[0].evidence
    assert [row.what for row in rows[:2]] == [
        "put back: optimizer", "put back: optimizer and the program's own moments, averages and other arrays"
    ]  # fmt: skip


def test_a_counter_that_was_saved_before_it_was_counted_on_is_left_alone() -> None:
    candidates = ["held:data.position", "held:buffers"]
    lost, rows = find(candidates, lambda given: None if given == {"held:buffers"} else FIRST, unlikely=set(candidates))
    assert [(each.detail, each.proven) for each in lost] == [("buffers", True)]
    assert [row.outcome for row in rows] == ["different", "identical"]


def test_of_what_is_not_known_to_differ_a_failure_says_nothing() -> None:
    rows: list[Experiment] = []
    later = LATER

    def attempt(details: frozenset[str]) -> Tried:
        return Tried(later, 0.1, usable=True)

    assert find_lost({"numpy.random": ""}, set(), LATER, attempt, ignore, rows, differing=False) == []


def test_what_makes_it_worse_explains_nothing() -> None:
    baseline = Difference(step=6, phase="backward", name="weight")
    rows: list[Experiment] = []

    def attempt(details: frozenset[str]) -> Tried:
        return Tried(Difference(step=6, phase="loss", name="loss"), 0.1, usable=True)

    assert find_lost({"held:scheduler": "step"}, {"held:scheduler"}, baseline, attempt, ignore, rows) == []


def test_only_likely_pieces_are_named_without_proof() -> None:
    lost, _ = find(["held:scheduler", "torch.random"], lambda given: LATER if given else FIRST, {"held:scheduler"})
    assert [each.detail for each in lost] == ["torch.random"]


def test_it_is_said_whether_dropout_or_the_order_of_the_samples_was_drawn_otherwise() -> None:
    same_batch = Difference(step=6, phase="loss", name="loss")

    def attempt(details: frozenset[str]) -> Tried:
        return Tried(None, 0.1, usable=True)

    (mask,) = find_lost({"torch.random": "global"}, set(), same_batch, attempt, ignore, [], source="the first run")
    (order,) = find_lost({"torch.random": "global"}, set(), FIRST, attempt, ignore, [])
    assert "dropout masks" in mask.evidence
    assert mask.evidence.startswith("put back from the first run")
    assert "the order of the samples" in order.evidence
