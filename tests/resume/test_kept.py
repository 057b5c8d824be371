"""Pieces of state come back from their files as they were, without a pickle."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reprotest.probe.resumption import kept
from reprotest.resume.pieces import same

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=12,
)


@given(tree=PLAIN)
def test_plain_data(tree: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("kept")
    kept.write(folder, "a", tree)
    assert same(kept.read(folder, "a"), tree)
    assert same(kept.contents(folder, "a"), tree)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.int64, torch.bool, torch.uint8])
def test_tensors(tmp_path: Path, dtype: torch.dtype) -> None:
    tensors = [torch.randn(3, 4).to(dtype), torch.zeros((), dtype=dtype), torch.empty(0, 2, dtype=dtype)]
    kept.write(tmp_path, "a", {0: tensors})
    back = kept.read(tmp_path, "a")[0]
    assert all(a.dtype is b.dtype and torch.equal(a, b) for a, b in zip(tensors, back, strict=True))


def test_states_of_generators(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rng.normal(size=3)
    kept.write(tmp_path, "a", {"numpy": rng.bit_generator.state, "legacy": np.random.RandomState(1).get_state(legacy=False), "python": random.Random(1).getstate()})  # fmt: skip
    back = kept.read(tmp_path, "a")
    other = np.random.default_rng()
    other.bit_generator.state = back["numpy"]
    assert other.normal() == rng.normal()
    legacy = np.random.RandomState()
    legacy.set_state(back["legacy"])
    assert legacy.rand() == np.random.RandomState(1).rand()
    python = random.Random()
    python.setstate(back["python"])
    assert python.random() == random.Random(1).random()


def test_what_is_no_plain_data_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(kept.Unkept, match="object"):
        kept.write(tmp_path, "a", {"x": object()})
    assert kept.read(tmp_path, "a") is None


def test_the_file_is_json(tmp_path: Path) -> None:
    kept.write(tmp_path, "a", {"x": (1, torch.ones(2))})
    assert json.loads((tmp_path / "a.json").read_text()) == {
        "x": {"$": "tuple", "of": [1, {"$": "tensor", "at": 0, "device": "cpu"}]}
    }


def test_equality_is_that_of_bits() -> None:
    assert same({"a": [float("nan")]}, {"a": [float("nan")]})
    assert not same({"a": (1,)}, {"a": (1, 2)})
    assert not same({"a": 1}, {"b": 1})
