"""How a program's text shows that it uses a factor. Plain names, so that `doctor` can read programs without importing anything."""

from __future__ import annotations

from dataclasses import dataclass

OF_SEVERAL = (
    "reprotest.set_seed",
    "reprotest.seeded",
    "lightning.seed_everything",
    "lightning.fabric.seed_everything",
    "lightning.fabric.utilities.seed.seed_everything",
    "lightning.pytorch.seed_everything",
    "lightning_fabric.seed_everything",
    "pytorch_lightning.seed_everything",
    "pytorch_lightning.utilities.seed.seed_everything",
    "transformers.set_seed",
    "transformers.trainer_utils.set_seed",
    "transformers.enable_full_determinism",
    "transformers.trainer_utils.enable_full_determinism",
    "accelerate.utils.set_seed",
    "accelerate.utils.random.set_seed",
    "ignite.utils.manual_seed",
    "monai.utils.set_determinism",
    "fastai.torch_core.set_seed",
    "fastai.vision.all.set_seed",
    "fastai.tabular.all.set_seed",
    "fastai.text.all.set_seed",
)
"""Calls that seed Python, NumPy and PyTorch together."""
OF_KERAS = ("keras.utils.set_random_seed", "tensorflow.keras.utils.set_random_seed")
"""Calls that seed Python, NumPy and the backend of Keras."""
KERAS_LAYERS = (
    "keras.layers.*",
    "tensorflow.keras.layers.*",
    "keras.applications.*",
    "tensorflow.keras.applications.*",
)
"""What draws initial weights with Keras."""


@dataclass(frozen=True)
class InSource:
    """The dotted names by which a factor is met in source text (`numpy.random.rand`); a final `*` stands for any rest.
    `name(keyword)` is met only where the call gives that keyword something that is true or unknown.

    Attributes:
        packages: top-level packages whose import brings the factor in.
        seeds: calls that hold it: a seed or, for kernels, a rule.
        draws: calls that draw from its global state at once.
        later: calls that make something which draws from the global state when it is used (a loader, a dropout layer).
        spared: names that `draws` would match and that do not draw.
        methods: methods that draw, whatever object they are called on (`weight.normal_()`).
        given: what spares a call of `draws` or `later` when the keyword is given (`random_state`, `generator`).
        own: makers of a generator of the program's own: without a seed each process gets another one.
        keys: calls whose first argument must not vary, though it is no seed of a global state (`jax.random.key`).
        values: calls whose result varies from run to run, and so is no seed.
    """

    packages: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    draws: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
