"""TensorFlow's global seed, and operations that run without any."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from reprotest.factors import _own_seeds, _patch
from reprotest.factors._callers import library_import
from reprotest.factors._source import KERAS_LAYERS, OF_KERAS, InSource
from reprotest.factors.base import PINNING, Factor, Inside, Pinning, Seen

_CONTEXT = "tensorflow.python.eager.context"
_GENERATORS = "tensorflow.python.ops.stateful_random_ops"
_KERAS = "keras.src.backend.common.global_state"
_GENERATOR = "global_seed_generator"


class TensorflowRandom(Factor):
    """Random operations take their seed from `tf.random.set_seed`; without one each process draws other numbers.

    Keras 3 takes its seeds from Python's `random`, which is a factor of its own.
    """

    id = "tensorflow.random"
    what = "what TensorFlow's random operations draw, which differs in every process until tf.random.set_seed is called"
    fix = "call tf.keras.utils.set_random_seed(seed) before the model is made: it seeds Python, NumPy and TensorFlow"
    repeats = True
    seeded = "tensorflow"
    order = 12
    reaches = ("tensorflow", "keras")
    source = InSource(
        packages=("tensorflow", "keras"),
        seeds=(
            "tensorflow.random.set_seed",
            "tensorflow.set_random_seed",
            "tensorflow.compat.v1.set_random_seed",
            "tensorflow.compat.v1.random.set_random_seed",
            "reprotest.set_seed",
            "reprotest.seeded",
            "transformers.set_seed",
            *OF_KERAS,
        ),
        draws=("tensorflow.random.*", "keras.random.*", *KERAS_LAYERS),
        spared=(
            "tensorflow.random.Generator*",
            "tensorflow.random.stateless_*",
            "tensorflow.random.get_global_generator",
        ),
        own=("tensorflow.random.Generator.from_non_deterministic_state",),
    )

    def watch(self, inside: Inside) -> None:
        inside.on_import("tensorflow.python.framework.random_seed", lambda module: _hold_seeds(inside, module))
        inside.on_import("tensorflow.python.ops.stateful_random_ops", lambda module: _hold_generators(inside, module))
        _own_seeds.watch(inside, self.id)

    def pin(self, seed: int, how: Pinning = PINNING) -> Sequence[str]:
        return (*_pin_tensorflow(seed, how), *_pin_keras(seed))

    def pin_imported(self, module: str, seed: int, how: Pinning = PINNING) -> Sequence[str]:
        """Keras often comes late, by the first use of `tf.keras`: what TensorFlow has drawn meanwhile must not be drawn again."""
        return _pin_keras(seed) if module == "keras" else _pin_tensorflow(seed, how)

    def undo(self) -> Callable[[], None]:
        restore = super().undo()
        config = sys.modules.get("tensorflow.python.framework.config")
        if config is None or config.is_op_determinism_enabled():
            return restore

        def back() -> None:
            restore()
            config.disable_op_determinism()

        return back

    def state(self) -> Any:
        """Seed and position of what operations without a seed draw from, and the states of the two global generators.

        A random operation with a seed of its own counts inside of its kernel, where nobody can read it: use stateless operations.
        """
        found: dict[str, Any] = {}
        context: Any = sys.modules.get(_CONTEXT)
        generators: Any = sys.modules.get(_GENERATORS)
        if context is not None:
            eager = context.context()
            found["seed"] = eager._seed
            found["draws"] = None if eager._seed is None else eager._rng.getstate()
        if generators is not None and generators.global_generator is not None:
            generator = generators.global_generator
            found["generator"] = [int(generator.algorithm), generator.state.numpy().tolist()]
        keras = sys.modules.get(_KERAS)
        if keras is not None:
            found["keras"] = {"seed": keras.get_global_attribute("global_random_seed")}
            generator = keras.get_global_attribute(_GENERATOR)
            if generator is not None:
                found["keras"]["generator"] = [int(number) for number in generator.state.numpy()]
        return found or None

    def restore(self, state: Any) -> None:
        context: Any = sys.modules.get(_CONTEXT)
        generators: Any = sys.modules.get(_GENERATORS)
        if "seed" in state:
            if context is None:
                raise ValueError("TensorFlow is not imported")
            eager = context.context()
            eager._set_global_seed(state["seed"])  # also forgets kernels, as they count on from where they stand
            if state["draws"] is not None:
                eager._rng.setstate(state["draws"])
        if generators is not None:
            algorithm, words = state.get("generator", (None, None))
            generators.global_generator = (
                None if algorithm is None else generators.Generator.from_state(words, algorithm)
            )
        if "keras" in state:
            keras = sys.modules.get(_KERAS)
            if keras is None:
                raise ValueError("Keras is not imported")
            keras.set_global_attribute("global_random_seed", state["keras"]["seed"])
            keras.set_global_attribute(_GENERATOR, None)
            if "generator" in state["keras"]:
                draws = sys.modules["keras.src.random.seed_generator"]
                generator = draws.SeedGenerator(seed=1)
                generator.state.assign(state["keras"]["generator"])
                keras.set_global_attribute(_GENERATOR, generator)

    def perturb(self, k: int) -> str | None:
        return "another global seed for TensorFlow" if k == 1 else None

    def variations(self, seen: Seen) -> Sequence[int] | str:
        return super().variations(seen) if "tensorflow" in seen.modules else "TensorFlow is not used"


def _pin_tensorflow(seed: int, how: Pinning) -> tuple[str, ...]:
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return ()
    tensorflow.random.set_seed(seed)
    # Made from entropy when it is first asked for, and refused then under deterministic operations.
    tensorflow.random.set_global_generator(tensorflow.random.Generator.from_seed(seed))
    if how.deterministic:
        tensorflow.config.experimental.enable_op_determinism()
    return (
        f"TensorFlow: global seed {seed}, global generator{', deterministic operations' if how.deterministic else ''}",
    )


def _pin_keras(seed: int) -> tuple[str, ...]:
    """What keras.utils.set_random_seed does for Keras itself; it would also import TensorFlow and seed everybody else once more."""
    keras = sys.modules.get(_KERAS)
    if keras is None:
        return ()
    keras.set_global_attribute("global_random_seed", seed)
    keras.set_global_attribute(_GENERATOR, None)
    return (f"Keras: global seed {seed}; layers take theirs from Python's random",)


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
