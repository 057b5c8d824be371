"""Threads that only native code sees: they are held when holding all else does not make runs agree."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reprotest.result import RunReport


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("serial")
def test_threads_of_openmp_that_do_not_wait_for_each_other(explain: Callable[..., RunReport]) -> None:
    pytest.importorskip("xgboost")
    report = explain(
        """
        import numpy as np
        import xgboost as xgb

        rng = np.random.default_rng(0)
        x = rng.normal(size=(2000, 400))
        data = xgb.DMatrix(x, label=x @ rng.normal(size=400))
        # "it uses hogwild parallelism and therefore produces a nondeterministic solution on each run"
        settings = {"booster": "gblinear", "updater": "shotgun", "nthread": 2}
        model = xgb.train(settings, data, num_boost_round=20)
        """
    )
    assert report.verdict == "different"
    assert [(cause.factor, cause.proven, cause.location) for cause in report.causes] == [
        ("threads.schedule", True, "train.py:9")
    ]
