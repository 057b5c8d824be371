"""Parallel transformations of tf.data, told of and made sequential. With a stand-in for TensorFlow's module: the zoo has the real one."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from reprotest.factors import _tf_data


def given(input_dataset: Any, map_func: Any, num_parallel_calls: Any = None, deterministic: Any = None, synchronous: Any = None, name: Any = None) -> dict[str, Any]:  # fmt: skip
    return dict(locals())


@pytest.fixture
def transform() -> Callable[[bool], tuple[Callable[..., dict[str, Any]], list[int]]]:
    def make(held: bool) -> tuple[Callable[..., dict[str, Any]], list[int]]:
        module, uses = ModuleType("map_op"), []
        module._map_v2 = given  # type: ignore[attr-defined]

        def on_import(name: str, then: Callable[[ModuleType], None]) -> None:
            if name.endswith("map_op"):
                then(module)

        _tf_data.install(SimpleNamespace(on_import=on_import), lambda: uses.append(1), held=held)  # type: ignore[arg-type]
        return module._map_v2, uses

    return make


def test_a_sequential_map_is_no_use(transform) -> None:  # type: ignore[no-untyped-def]
    call, uses = transform(True)
    assert call("data", "f", name="n") == given("data", "f", name="n")
    assert not uses


def test_a_parallel_map_is_a_use_and_left_alone_when_free(transform) -> None:  # type: ignore[no-untyped-def]
    call, uses = transform(False)
    assert call("data", "f", 4, True) == given("data", "f", 4, True)
    assert len(uses) == 1


@pytest.mark.parametrize("arguments", [((4, True), {}), ((), {"num_parallel_calls": 4, "deterministic": False})])
def test_held_it_makes_one_call_after_the_other(transform, arguments) -> None:  # type: ignore[no-untyped-def]
    call, uses = transform(True)
    positional, named = arguments
    assert call("data", "f", *positional, name="n", **named) == given("data", "f", name="n")
    assert len(uses) == 1
