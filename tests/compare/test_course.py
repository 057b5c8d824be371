"""Two runs side by side over their whole course, in columns that never grow in number."""

from __future__ import annotations

import numpy as np
import pytest
from made_runs import Event, Run, training

from reprotest.compare import growth
from reprotest.compare.course import ABSENT, COLUMNS, SEEN, course
from reprotest.record.event import Phase


def test_rows_are_modules_and_values(make):
    events = [
        Event("batch[0]", 1.0, Phase.DATA),
        Event("layer.0.weight", 1.0, Phase.BACKWARD),
        Event("layer.0.bias", 1.0),
        Event("loss", 1.0, Phase.LOSS),
    ]
    run = Run({"main": [(0, events)], "rank1": [(0, events)]})
    found = course(make(run), make(run))
    assert found.rows[:3] == ((Phase.DATA, "input data"), (Phase.FORWARD, "layer.0"), (Phase.LOSS, "loss"))
    assert found.rows[3:] == tuple((phase, f"rank1: {name}") for phase, name in found.rows[:3])
    assert not found.differing.any()
    assert found.events.tolist() == [8]


def test_sizes_and_what_is_not_known(make):
    def run(loss, words, seed):
        events = [Event("loss", loss, Phase.LOSS), Event("words", words, Phase.METRIC)]
        events.append(Event("w", np.full(40, 1.0, np.float32)))
        return Run({"main": [(0, events), (1, [Event("loss", 2.0, Phase.LOSS), Event("more", seed, Phase.METRIC)])]})

    found = course(make(run(4.0, "a", 1)), make(run(5.0, "b", 1)))
    rows = dict(zip([name for _, name in found.rows], found.apart.tolist(), strict=True))
    assert rows["loss"] == [pytest.approx(0.2), 0.0]
    assert rows["words"] == [SEEN, ABSENT]
    assert rows["w"] == [0.0, ABSENT]
    assert found.differing.tolist() == [2, 0]


@pytest.mark.parametrize("steps", [COLUMNS, COLUMNS + 1, 5 * COLUMNS + 3])
def test_columns_stand_for_more_steps_in_longer_runs(make, steps):
    """Merged columns say what `growth`, which sees every step, says of their steps."""
    changed = {f"{step}:loss": 9.0 for step in range(0, steps, 7)}
    a, b = make(Run({"main": training(steps)})), make(Run({"main": training(steps, **changed)}))
    found = course(a, b)
    assert len(found.steps) <= COLUMNS
    points = list(growth(a, b))
    for column, first in enumerate(found.steps.tolist()):
        inside = [p for p in points if first <= p.step < first + found.width]
        assert found.differing[column] == sum(p.differing for p in inside)
        assert found.events[column] == sum(p.events for p in inside)
        known = [p.relative for p in inside if p.relative is not None]
        assert found.largest[column] == pytest.approx(max(known), abs=1e-299)
    assert found.steps[-1] + found.width >= steps


def test_nothing_in_common(make):
    found = course(make(Run({"main": [(0, [Event("a")])]})), make(Run({"other": [(0, [Event("a")])]})))
    assert (len(found.steps), found.rows, found.largest.size) == (0, (), 0)
