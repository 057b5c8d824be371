"""JAX keys vary only with what they are made from."""

from __future__ import annotations

import pytest

from reprotest.factors import factor

pytestmark = pytest.mark.slow

KEYS = """
    import time
    import jax

    print(jax.random.normal(jax.random.key(0), (2,)))
    print(jax.random.normal(jax.random.key(time.time_ns() % 100_003), (2,)))
"""


def test_a_fixed_key_is_no_use_and_a_key_from_the_clock_is_the_clocks(play) -> None:
    pytest.importorskip("jax")
    first = play(KEYS, {"clock": 0, "jax.random": 0}, timeout=200)
    assert first.uses["clock"] == {"main.py:6": 1}
    assert "jax.random" not in first.uses
    assert play(KEYS, {"clock": 0, "jax.random": 1}, timeout=200).out == first.out
    other = play(KEYS, {"clock": 1, "jax.random": 0}, timeout=200).out.splitlines()
    assert [a == b for a, b in zip(first.out.splitlines(), other, strict=True)] == [True, False]


def test_it_cannot_be_perturbed() -> None:
    assert factor("jax.random").perturb(1) is None
