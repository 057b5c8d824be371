"""A callback that puts the states of all generators into Lightning's checkpoints, which leave them out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from reprotest.errors import UsageError
from reprotest.seeding.derive import place
from reprotest.seeding.state import RNGState

if TYPE_CHECKING:
    _Callback: Any = object
elif "pytorch_lightning" in sys.modules and "lightning" not in sys.modules:
    from pytorch_lightning import Callback as _Callback
else:
    from lightning.pytorch import Callback as _Callback


class RNGStateCallback(_Callback):  # type: ignore[misc]  # Any to the type checker: either of two packages
    """`Trainer(callbacks=[RNGStateCallback()])`: a fit that is resumed from a checkpoint draws what the uninterrupted one draws.

    Saved with every checkpoint, for every rank; restored when the fit begins, after the model is made. For a checkpoint
    taken within an epoch the loader has to know its place, too: `reprotest.dataloader` does, and Lightning saves its state by itself.

    Args:
        generators: generators of your own, as for `RNGState.capture`.
        strict: as for `RNGState.restore`.
    """

    def __init__(self, generators: dict[str, Any] | None = None, strict: bool = True) -> None:
        self._generators = generators
        self._strict = strict
        self._loaded: RNGState | None = None

    def state_dict(self) -> dict[str, Any]:
        state = RNGState.capture(generators=self._generators).state_dict()
        return {"ranks": _of_all_ranks(state)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        rank, there = place()[0], len(state_dict["ranks"])
        if rank >= there:
            raise UsageError(
                f"the checkpoint has the random states of {there} ranks and this is rank {rank}: resume with {there}"
            )
        self._loaded = RNGState().load_state_dict(state_dict["ranks"][rank])

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Before the loader begins an epoch, which draws a seed from PyTorch's generator."""
        if self._loaded is not None:
            self._loaded.restore(generators=self._generators, strict=self._strict)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Within an epoch that draw lies behind: what the loader has drawn meanwhile is taken back."""
        if self._loaded is not None and getattr(trainer.fit_loop, "restarted_mid_epoch", True):
            self._loaded.restore(generators=self._generators, strict=self._strict)
        self._loaded = None


def _of_all_ranks(state: dict[str, Any]) -> list[Any]:
    """Lightning asks every rank for its callbacks' states and writes those of rank 0."""
    ranks = place()[1]
    distributed = sys.modules.get("torch.distributed")
    if ranks == 1 or distributed is None or not distributed.is_initialized():
        return [state]
    states: list[Any] = [None] * ranks
    distributed.all_gather_object(states, state)
    return states
