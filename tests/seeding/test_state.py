"""`RNGState`: captured, stored as plain data, restored in another process."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import reprotest
from reprotest.seeding.plain import decode, encode


def draws() -> list[float]:
    return [random.random(), random.gauss(0, 1), np.random.rand(), float(np.random.randn()), float(torch.randn(()))]


def test_what_was_drawn_is_drawn_again() -> None:
    draws()
    state = reprotest.RNGState.capture()
    first = draws()
    state.restore()
    assert draws() == first
    state.restore()
    assert draws() == first, "a state can be used more than once"


def test_half_used_gaussians_are_part_of_it() -> None:
    random.gauss(0, 1), np.random.randn()  # both keep a second number
    state = reprotest.RNGState.capture()
    first = draws()
    reprotest.set_seed(99)
    state.restore()
    assert draws() == first


def test_it_goes_through_json_and_through_torch_load_with_weights_only(tmp_path: Path) -> None:
    loader = reprotest.dataloader(list(range(8)), 2, seed=1)
    next(iter(loader))
    state = reprotest.RNGState.capture(data=loader, generators=own()).state_dict()
    first = draws()
    file = io.BytesIO()
    torch.save({"rng": state}, file)
    file.seek(0)
    for stored in (torch.load(file, weights_only=True)["rng"], json.loads(json.dumps(state))):
        new = reprotest.dataloader(list(range(8)), 2, seed=1)
        reprotest.set_seed(99)
        reprotest.RNGState().load_state_dict(stored).restore(data=new, generators=own())
        assert draws() == first
        assert new.batch == 1


def own() -> dict[str, Any]:
    return {
        "python": random.Random(1),
        "numpy": np.random.default_rng(1),
        "philox": np.random.Generator(np.random.Philox(1)),
        "old": np.random.RandomState(1),
        "torch": torch.Generator().manual_seed(1),
    }


def of_own(generators: dict[str, Any]) -> list[float]:
    return [
        generators["python"].random(),
        generators["numpy"].random(),
        generators["philox"].random(),
        generators["old"].rand(),
        float(torch.rand((), generator=generators["torch"])),
    ]


def test_generators_of_your_own_are_captured_by_name() -> None:
    mine = own()
    of_own(mine)
    state = reprotest.RNGState.capture(generators=mine)
    first = of_own(mine)
    fresh = own()
    reprotest.RNGState().load_state_dict(json.loads(json.dumps(state.state_dict()))).restore(generators=fresh)
    assert of_own(fresh) == first


def test_several_loaders_are_told_apart() -> None:
    def loaders() -> dict[str, Any]:
        return {name: reprotest.dataloader(list(range(8)), 2, seed=1) for name in ("train", "other")}

    old, new = loaders(), loaders()
    next(iter(old["train"]))
    reprotest.RNGState.capture(data=old).restore(data=new)
    assert (new["train"].batch, new["other"].batch) == (1, 0)


# --- what is missing ----------------------------------------------------------------------------------------------


def test_what_cannot_be_restored_is_refused_before_anything_changes() -> None:
    loader = reprotest.dataloader([1, 2], 1, seed=1)
    state = reprotest.RNGState.capture(data=loader, generators={"mine": random.Random(1)})
    reprotest.set_seed(5)
    first = draws()
    reprotest.set_seed(5)
    with pytest.raises(reprotest.UsageError) as caught:
        state.restore(generators={"other": random.Random(1)})
    for part in (
        "'mine' was captured and is not given",
        "'other' was not captured",
        "position in the data 'data' was captured",
    ):
        assert part in str(caught.value)
    assert draws() == first
    missed = state.restore(generators={"other": random.Random(1)}, strict=False)
    assert len(missed) == 3


def test_a_framework_that_is_missing_is_named(python: Any) -> None:
    captured = "import json, numpy, torch, reprotest; print(json.dumps(reprotest.RNGState.capture().state_dict()))"
    state = python(captured).stdout
    source = """
        import json, sys, reprotest
        state = reprotest.RNGState().load_state_dict(json.load(sys.stdin))
        print(state.restore(strict=False))
        try:
            state.restore()
        except reprotest.UsageError as error:
            print(error)
    """
    missed, error = python(source, stdin=state).stdout.splitlines()
    assert missed == "['numpy.random: numpy is not imported', 'torch.random: torch is not imported']"
    assert error.startswith("the random state cannot be restored as it was: numpy.random: numpy is not imported")


def test_cuda_states_of_another_number_of_devices_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    states = [torch.zeros(16, dtype=torch.uint8)]
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: states)
    state = reprotest.RNGState.capture()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(reprotest.UsageError, match="the state is of 1 CUDA devices, and there are 2"):
        state.restore()
    restored: list[Any] = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "set_rng_state_all", restored.extend)
    state.restore()
    assert torch.equal(restored[0], states[0])


@pytest.mark.parametrize("bad", [{}, {"schema": "reprotest.rng/9"}, [], None])
def test_what_is_not_a_state_is_refused(bad: Any) -> None:
    with pytest.raises(reprotest.UsageError, match="expected the state_dict of an RNGState"):
        reprotest.RNGState().load_state_dict(bad)


def test_a_damaged_state_is_refused() -> None:
    state = json.loads(json.dumps(reprotest.RNGState.capture().state_dict()))
    state["generators"]["torch.random"]["tensor"][2] = "!"
    with pytest.raises(reprotest.UsageError, match="damaged"):
        reprotest.RNGState().load_state_dict(state).restore()
    state["generators"] = {"cuda.rnadom": 1}
    with pytest.raises(reprotest.UsageError, match=r"does not know: cuda\.rnadom"):
        reprotest.RNGState().load_state_dict(state)


def test_an_unknown_kind_of_generator_is_refused() -> None:
    with pytest.raises(reprotest.UsageError, match="'mine' is a list: expected"):
        reprotest.RNGState.capture(generators={"mine": []})


# --- plain data ---------------------------------------------------------------------------------------------------

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    leaves,
    lambda below: st.lists(below) | st.lists(below).map(tuple) | st.dictionaries(st.text(min_size=7), below),
    max_leaves=10,
)


@settings(max_examples=40)
@given(values)
def test_plain_data_comes_back_as_it_was(value: Any) -> None:
    back = decode(json.loads(json.dumps(encode(value))))
    assert back == value
    assert repr(back) == repr(value), "tuples stay tuples"


@given(st.sampled_from(["u1", "<u4", ">u4", "<u8", "<i8", "<f8"]), st.lists(st.integers(0, 200), max_size=5))
def test_arrays_come_back_with_type_and_shape(dtype: str, numbers: list[int]) -> None:
    array = np.array(numbers, dtype=dtype).reshape(1, -1)
    back = decode(json.loads(json.dumps(encode({"key": array}))))["key"]
    assert back.shape == array.shape
    assert back.dtype == array.dtype.newbyteorder("<")
    assert (back == array).all()
