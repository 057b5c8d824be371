"""TensorFlow's kernels that add up as threads come are held by giving every operator one thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reprotest.result import RunReport

pytest.importorskip("tensorflow")

BINCOUNT = """
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(8)
values = tf.random.stateless_normal((2_000_000,), (1, 2))
bins = tf.random.stateless_uniform((2_000_000,), (3, 4), 0, 7, tf.int32)
print(tf.math.bincount(bins, weights=values).numpy().tobytes().hex())
tf.config.threading.set_intra_op_parallelism_threads(8)
print(tf.config.threading.get_intra_op_parallelism_threads())
"""


@pytest.mark.slow
def test_held_it_repeats_and_the_program_sees_its_own_number(play: Callable[..., Any]) -> None:
    told = [play(BINCOUNT, {"threads.schedule": 0}).out.splitlines() for _ in range(3)]
    assert told[0] == told[1] == told[2]
    assert told[0][1] == "8"


@pytest.mark.slow
def test_free_it_does_not(play: Callable[..., Any]) -> None:
    assert len({play(BINCOUNT).out for _ in range(4)}) > 1


@pytest.mark.slow
def test_what_it_logs_is_no_difference(explain: Callable[..., RunReport], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    report = explain(
        """
        import tensorflow as tf

        tf.random.set_seed(3)
        print(tf.reduce_sum(tf.random.normal((100,))).numpy())
        """
    )
    assert report.verdict == "identical"
    assert any("the program's output" in sentence for sentence in report.unobserved)
