"""TensorFlow, Keras and JAX: the real ones, in a process of their own."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.integration]


@pytest.fixture(scope="module")
def found(run_program: Any) -> Any:
    for name in ("tensorflow", "keras", "jax"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    return run_program("tensorflow_and_jax.py")


@pytest.mark.parametrize(
    "fact",
    [
        "imports do not start Python's random again",
        "nor does Keras start TensorFlow's again",
        "goes on",
        "same seed",
        "then the same",
        "other seed",
        "deterministic",
        "undone",
        "restored",
        "key",
        "key restored",
        "raw key restored",
    ],
)
def test_it_is_so(found: Any, fact: str) -> None:
    assert found[fact] is True


def test_what_was_not_imported_yet_was_announced(found: Any) -> None:
    assert {"jax", "keras", "tensorflow"} <= set(found["announced"])


def test_the_report_names_each(found: Any) -> None:
    said = "\n".join(found["report"])
    for part in ("TensorFlow: global seed 5", "deterministic operations", "Keras: global seed 5", "jax.random.key(5)"):
        assert part in said
