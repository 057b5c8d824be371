"""One remedy for several causes, where the program's framework has a call that seeds all generators."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from reprotest.result import Cause

_GENERATORS = ("python.random", "numpy.random", "torch.random", "tensorflow.random")
_CALLS = {
    "lightning": "lightning.seed_everything(seed, workers=True)",
    "pytorch_lightning": "pytorch_lightning.seed_everything(seed, workers=True)",
    "keras": "keras.utils.set_random_seed(seed)",
    "transformers": "transformers.set_seed(seed)",
}
"""Top-level import → its call, the one that a program using several of them is likeliest to want first."""


def with_common_remedy(causes: Sequence[Cause], modules: Collection[str]) -> list[Cause]:
    """The same causes; the first of several generators that nobody seeded also tells of the call that seeds them all.

    Args:
        modules: top-level modules that the program imported.
    """
    unseeded = [cause for cause in causes if cause.factor in _GENERATORS]
    call = next((call for name, call in _CALLS.items() if name in modules), None)
    if len(unseeded) < 2 or call is None:
        return list(causes)
    together = f"{unseeded[0].fix}; or {call}, which seeds all global generators at once"
    return [replace(cause, fix=together) if cause is unseeded[0] else cause for cause in causes]
