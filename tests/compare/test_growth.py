"""How runs drift apart, step by step."""

from __future__ import annotations

import numpy as np
import pytest
from made_runs import Event, Run, training

from reprotest.compare import growth


def test_growth_by_step(make):
    def run(drift):
        values = [np.full(40, 1.0 + drift * step, np.float32) for step in range(6)]
        return Run({"main": [(i, [Event("w", v), Event("same", 1.0)]) for i, v in enumerate(values)]})

    points = list(growth(make(run(0.0)), make(run(0.01))))
    assert [p.step for p in points] == list(range(6))
    assert [p.differing for p in points] == [0, 1, 1, 1, 1, 1]
    assert {p.events for p in points} == {2}
    expected = [0.01 * i / (1 + 0.01 * i) for i in range(6)]
    assert [p.relative for p in points] == pytest.approx(expected, abs=1e-6)
    assert list(growth(make(run(0.0)), make(run(0.0))))[5].relative == 0.0


def test_growth_goes_as_far_as_both_runs_agree_in_structure(make):
    a, b = training(6), training(4, **{"2:loss": 9.0})
    a[1][1].append(Event("more", 1))
    points = list(growth(make(Run({"main": a})), make(Run({"main": b}))))
    assert [(p.step, p.differing) for p in points] == [(0, 0), (2, 1), (3, 0)]
    assert points[1].relative == pytest.approx((9 - 2 / 7) / 9)


def test_what_has_no_numbers(make):
    def run(text):
        return Run({"main": [(0, [Event("words", text)])]})

    (point,) = growth(make(run("a")), make(run("b")))
    assert (point.differing, point.relative) == (1, None)
