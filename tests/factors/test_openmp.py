"""scikit-learn's OpenMP loops add up as threads come: seen from three threads on, held, and explained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reprotest.result import RunReport

KMEANS = """
import numpy as np
from sklearn.cluster import KMeans
x = np.random.default_rng(0).normal(size=(20000, 8))
centres = KMeans(8, random_state=0, n_init=1, max_iter=100, tol=0).fit(x).cluster_centers_
"""


@pytest.mark.slow
@pytest.mark.xdist_group("serial")
def test_a_race_is_proven_and_the_estimator_named(
    explain: Callable[..., RunReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    report = explain(KMEANS)
    assert [(c.factor, c.proven, c.location) for c in report.causes] == [("threads.schedule", True, "train.py:4")]
    assert "OMP_NUM_THREADS=1" in report.causes[0].fix


@pytest.mark.parametrize(("threads", "seen"), [("4", True), ("2", False)])
def test_two_sums_are_the_same_either_way(
    play: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, threads: str, seen: bool
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    assert ("main.py:5" in play(KMEANS).uses.get("threads.schedule", {})) is seen


def test_held_it_repeats(play: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    source = f"{KMEANS}\nimport hashlib\nprint(hashlib.sha256(centres.tobytes()).hexdigest())"
    assert len({play(source, {"threads.schedule": 0}).out for _ in range(3)}) == 1
