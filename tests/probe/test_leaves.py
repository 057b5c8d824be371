"""Which names say that a value is a measured time."""

from __future__ import annotations

import pytest

from reprotest.probe.leaves import is_time


@pytest.mark.parametrize(
    "name",
    [
        "fit_time",
        "history_[0]['dur']",
        "cv_results_['mean_fit_time'][3]",
        "secs",
        "samplesPerSec",
        "wallClock.elapsed_ms",
        "timestamp",
    ],
)
def test_times(name: str) -> None:
    assert is_time(name)


@pytest.mark.parametrize(
    "name", ["timestep", "weight", "section", "durable", "estimators_[0].tree_", "lifetimes", "runs", "second_moment"]
)
def test_no_times(name: str) -> None:
    assert not is_time(name)
