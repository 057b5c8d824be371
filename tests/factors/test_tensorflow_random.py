"""TensorFlow's random operations without a seed, with the real package."""

from __future__ import annotations

import pytest

from reprotest.factors import Setting

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.slow

UNSEEDED = """
    import os
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    print(tf.random.normal([2]).numpy())
    print(tf.random.shuffle(tf.range(20)).numpy())
    print(tf.random.Generator.from_non_deterministic_state().normal([1]).numpy())
    print([int(i) for i in tf.data.Dataset.range(20).shuffle(20)])

    @tf.function
    def draw():
        return tf.random.normal([1])

    print(draw().numpy())
    print(tf.keras.layers.Dropout(0.5)(tf.ones([20]), training=True).numpy())
    tf.random.set_seed(1)
    print(tf.random.normal([1]).numpy())
"""
HELD = ("tensorflow.random", "python.random")  # Keras takes its seeds from Python's


def test_unseeded_operations_are_noted_held_and_varied(play) -> None:
    first = play(UNSEEDED, dict.fromkeys(HELD, 0), timeout=200)
    assert {f"main.py:{n}" for n in (6, 7, 8, 9)} <= set(first.uses["tensorflow.random"])
    assert "main.py:18" not in first.uses["tensorflow.random"]
    assert play(UNSEEDED, dict.fromkeys(HELD, 0), timeout=200).out == first.out
    other = play(UNSEEDED, dict.fromkeys(HELD, 1), timeout=200).out.splitlines()
    same = [a == b for a, b in zip(first.out.splitlines(), other, strict=True)]
    assert same == [False] * 6 + [True]


def test_one_line_alone_varies(play) -> None:
    first = play(UNSEEDED, dict.fromkeys(HELD, 0), timeout=200).out.splitlines()
    one = {"tensorflow.random": Setting(seed=7, variant=1, only=("main.py:7",)), "python.random": 0}
    varied = play(UNSEEDED, one, timeout=200).out.splitlines()
    assert [i for i, (a, b) in enumerate(zip(first, varied, strict=True)) if a != b] == [1]
