"""What runs save is compared, but one that has no need to save is not different for that."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.compare.made_runs import Event, Run

from reprotest.compare import Lockstep, first_difference
from reprotest.record import Record
from reprotest.record.event import SAVED, Phase


def saved(value: str, name: str = "numpy.save") -> list[Event]:
    return [Event(name, value, Phase.OUTPUT, op=SAVED)]


def step(value: str) -> list[Event]:
    return [Event("weight", value)]


def run(*frames: list[Event]) -> Run:
    return Run({"main": [(0, events) for events in frames]})


Make = Callable[[Run], Record]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([saved("filter"), saved("other"), step("x")], [step("x")]),
        ([step("x"), step("y")], [step("x"), saved("log"), step("y"), saved("log")]),
        ([saved("filter"), step("x"), saved("end")], [step("x"), saved("end")]),
        ([step("x"), saved("end")], [step("x"), saved("end")]),
    ],
)
def test_a_run_that_saves_less_is_not_different(make: Make, a: list[list[Event]], b: list[list[Event]]) -> None:
    first, second = make(run(*a)), make(run(*b))
    assert first_difference(first, second) is None
    assert first_difference(second, first) is None
    assert Lockstep(first).poll(second.path) is None
    assert Lockstep(second).poll(first.path) is None


def test_what_both_save_is_compared(make: Make) -> None:
    first = make(run(saved("filter"), step("x"), saved("a")))
    found = first_difference(first, make(run(step("x"), saved("b"))))
    assert found is not None
    assert (found.phase, found.name, found.op) == ("output", "numpy.save", None)
    assert first_difference(first, make(run(step("x"), saved("other", "torch.save")))) is None


def test_a_saved_value_that_differs_before_training_is_first(make: Make) -> None:
    found = first_difference(make(run(saved("a"), step("x"))), make(run(saved("b"), step("y"))))
    assert found is not None
    assert found.name == "numpy.save"
    found = first_difference(make(run(step("x"), saved("a"))), make(run(step("y"), saved("b"))))
    assert found is not None
    assert found.name == "weight"


def test_steps_are_compared_in_lockstep_past_what_is_saved(make: Make) -> None:
    first = make(run(saved("filter"), step("x"), saved("log"), step("y")))
    found = Lockstep(first).poll(make(run(step("x"), step("z"))).path)
    assert found is not None
    assert found.name == "weight"


def test_a_record_of_nothing_but_saved_values_says_so(make: Make) -> None:
    assert make(run(saved("a"))).is_indirect
    assert make(Run()).is_indirect
    assert not make(run(saved("a"), step("x"))).is_indirect
