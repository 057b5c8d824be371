"""numba's parallel loops: their races are seen, held and explained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reprotest.result import RunReport

pytest.importorskip("numba")

COUNT = """
import numba
import numpy as np

@numba.njit(parallel=True)
def count(passes):
    found = np.zeros(3)
    for i in numba.prange(passes):
        found[i % 3] += 1.0 / (1 + i)
    return found.sum()
"""


@pytest.mark.slow
def test_a_held_loop_has_one_thread_whatever_the_program_asks_for(play: Callable[..., Any]) -> None:
    source = f"""{COUNT}
@numba.njit
def ask(threads):
    numba.set_num_threads(threads)
    return numba.get_num_threads()

print(count(5_000_000), numba.get_num_threads(), numba.config.NUMBA_NUM_THREADS >= 1)
numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
print(count(5_000_000), numba.get_num_threads(), ask(numba.config.NUMBA_NUM_THREADS))
"""
    held = play(source, {"threads.schedule": 0})
    first, second = (line.split() for line in held.out.splitlines())
    assert first == [second[0], "1", "True"]
    assert second[1:] == ["1", "1"]
    assert play(source, {"threads.schedule": 0}).out == held.out
    assert held.gave_up == []
    assert "main.py:18" in held.uses["threads.schedule"]


@pytest.mark.slow
@pytest.mark.xdist_group("serial")
def test_a_race_is_proven(explain: Callable[..., RunReport]) -> None:
    report = explain(f"{COUNT}\nimport reprotest\nreprotest.observe('found', count(30_000_000))\n")
    assert [(c.factor, c.proven, c.location) for c in report.causes] == [("threads.schedule", True, "train.py:12")]


@pytest.mark.slow
def test_a_loop_without_a_race_is_watched_and_not_blamed(explain: Callable[..., RunReport]) -> None:
    report = explain(
        """
        import numba
        import numpy as np
        import reprotest

        @numba.njit(parallel=True)
        def double(x):
            y = np.empty_like(x)
            for i in numba.prange(len(x)):
                y[i] = 2 * x[i]
            return y

        reprotest.observe("doubled", double(np.random.default_rng().normal(size=1000)))
        """
    )
    assert [(c.factor, c.proven, c.location) for c in report.causes] == [("numpy.random", True, "train.py:12")]
    assert "threads.schedule" in [use.factor for use in report.watched]
