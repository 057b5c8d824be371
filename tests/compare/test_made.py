"""What differs and the operator that made it, in runs that were observed operator by operator."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_runs import Event, Run

np = pytest.importorskip("numpy")

from reprotest.compare.made import as_made  # noqa: E402
from reprotest.record.event import Phase  # noqa: E402
from reprotest.result import Difference  # noqa: E402

WEIGHT = Difference(0, "init", "layer.weight")


def run(weights, *, keep: bool = True, more: tuple[Event, ...] = ()) -> Run:
    """A draw that is thrown away, then the weights, set to zero and drawn, then a draw of the same step."""
    unused, drawn = np.asarray(weights[0], np.float32), np.asarray(weights[1], np.float32)
    events = [
        Event("aten::randn", unused, Phase.DATA, "aten::randn", "train.py:3"),
        Event("aten::zeros", np.zeros(2, np.float32), Phase.INIT, "aten::zeros", "train.py:5"),
        Event("aten::normal_", drawn, Phase.INIT, "aten::normal_", "train.py:6"),
        Event("layer.weight", drawn, Phase.INIT),
        *more,
    ]
    return Run(streams={"main": [(0, events)]}, keep=keep)


def test_the_operator_whose_output_it_is_and_the_size_of_the_thing_itself(make) -> None:  # type: ignore[no-untyped-def]
    found = as_made(make(run([[9, 9, 9], [1, 2]])), make(run([[7, 7, 7], [1, 4]])), WEIGHT)
    assert found is not None
    assert (found.name, found.op, found.location) == ("layer.weight", "aten::normal_", "train.py:6")
    assert (found.max_abs, found.max_rel) == (2.0, 0.5)


def test_the_last_of_several_operators_with_the_same_output(make) -> None:  # type: ignore[no-untyped-def]
    drawn = np.asarray([1, 2], np.float32)
    copied = Event("aten::copy_", drawn, Phase.INIT, "aten::copy_", "train.py:9")
    bias = (copied, Event("bias", drawn, Phase.INIT))
    found = as_made(make(run([[9], [1, 2]], more=bias)), make(run([[9], [1, 3]])), replace(WEIGHT, name="bias"))
    assert found is not None
    assert (found.op, found.location, found.max_abs) == ("aten::copy_", "train.py:9", None)


def test_the_first_of_several_batches_that_differs(make) -> None:  # type: ignore[no-untyped-def]
    def batches(second: float) -> Run:
        events = [
            event
            for n, value in enumerate((1.0, second))
            for event in (
                Event("aten::stack", value, Phase.DATA, "aten::stack", f"train.py:{n}"),
                Event("batch", value, Phase.DATA),
            )
        ]
        return Run(streams={"main": [(0, events)]})

    found = as_made(make(batches(2.0)), make(batches(5.0)), Difference(0, "data", "batch"))
    assert found is not None
    assert (found.location, found.max_abs) == ("train.py:1", 3.0)


def test_what_no_operator_made_and_what_is_not_there(make) -> None:  # type: ignore[no-untyped-def]
    a, b = (make(run([[1], [1, 2]], more=(Event("labels", value, Phase.DATA),))) for value in (3, 4))
    found = as_made(a, b, Difference(0, "data", "labels"))
    assert found is not None
    assert (found.op, found.location, found.max_abs) == (None, None, 1.0)
    assert as_made(a, b, Difference(1, "data", "labels")) is None
    assert as_made(a, b, Difference(0, "data", "other")) is None
    assert as_made(a, b, replace(WEIGHT, stream="main/fork-1")) is None


def test_what_is_equal_this_time_keeps_the_size_that_was_seen(make) -> None:  # type: ignore[no-untyped-def]
    found = as_made(make(run([[1], [1, 2]])), make(run([[2], [1, 2]])), replace(WEIGHT, max_abs=0.5))
    assert found == replace(WEIGHT, max_abs=0.5, op="aten::normal_", location="train.py:6")
