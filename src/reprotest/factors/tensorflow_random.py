"""TensorFlow's global seed, and operations that run without any."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from reprotest.factors import _patch
from reprotest.factors._callers import library_import
from reprotest.factors.base import Factor, Inside


class TensorflowRandom(Factor):
    """Random operations take their seed from `tf.random.set_seed`; without one each process draws other numbers.

    Keras 3 takes its seeds from Python's `random`, which is a factor of its own.
    """

    id = "tensorflow.random"
    what = "what TensorFlow's random operations draw, which differs in every process until tf.random.set_seed is called"
    fix = "call tf.keras.utils.set_random_seed(seed) before the model is made: it seeds Python, NumPy and TensorFlow"
    repeats = True
    order = 12

    def watch(self, inside: Inside) -> None:
        inside.on_import("tensorflow.python.framework.random_seed", lambda module: _hold_seeds(inside, module))
        inside.on_import("tensorflow.python.ops.stateful_random_ops", lambda module: _hold_generators(inside, module))

    def pin(self, seed: int) -> Sequence[str]:
        tensorflow = sys.modules.get("tensorflow")
        if tensorflow is None:
            return ()
        tensorflow.random.set_seed(seed)
        return (f"TensorFlow: global seed {seed}",)

    def perturb(self, k: int) -> str | None:
        return "another global seed for TensorFlow" if k == 1 else None


def _hold_seeds(inside: Inside, module: Any) -> None:
    """Every random operation asks `random_seed.get_seed`; (None, None) makes the kernel take a seed from the system."""
    setting = inside.setting(TensorflowRandom.id)
    original = module.get_seed

    @_patch.like(original)
    def get_seed(op_seed: Any) -> Any:
        seeds = original(op_seed)
        if seeds[0] is not None or seeds[1] is not None:
            return seeds
        site = inside.site()
        if not library_import(inside):
            inside.used(TensorflowRandom.id, site)
        if setting is None:
            return seeds
        raw = inside.stream(TensorflowRandom.id, site, 8)
        return int.from_bytes(raw[:4], "little") >> 1 or 1, int.from_bytes(raw[4:], "little") >> 1 or 1

    module.get_seed = get_seed


def _hold_generators(inside: Inside, module: Any) -> None:
    """`tf.random.Generator.from_non_deterministic_state` and what else asks for a state of the system's."""
    setting = inside.setting(TensorflowRandom.id)
    original = module.non_deterministic_ints

    @_patch.like(original)
    def non_deterministic_ints(shape: Any, dtype: Any = module.dtypes.int64) -> Any:
        site = inside.site()
        inside.used(TensorflowRandom.id, site)
        if setting is None:
            return original(shape, dtype=dtype)
        import numpy

        kind = module.dtypes.as_dtype(dtype)
        sizes = numpy.asarray(shape, dtype=numpy.int64)
        raw = inside.stream(TensorflowRandom.id, site, int(sizes.prod()) * kind.size)
        return sys.modules["tensorflow"].constant(numpy.frombuffer(raw, kind.as_numpy_dtype).reshape(sizes), dtype=kind)

    module.non_deterministic_ints = non_deterministic_ints
