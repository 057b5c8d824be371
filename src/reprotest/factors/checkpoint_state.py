"""What a checkpoint must hold so that stop and resume equals going straight through."""

from __future__ import annotations

from collections.abc import Sequence

from reprotest.factors.base import Factor, Seen


class CheckpointState(Factor):
    """Found by `resume`, which compares a run with one that was stopped and resumed; nothing to hold or perturb here."""

    id = "checkpoint.state"
    what = "a resumed run that lost the state of a random generator, of the optimiser, of the scheduler or the position in the data"
    fix = (
        "save and restore with the weights: optimiser, scheduler, gradient scaler, the states of all random generators, and how far "
        "the data had been read"
    )
    order = 90

    def perturb(self, k: int) -> str | None:
        return None

    def variations(self, seen: Seen) -> Sequence[int] | str:
        return "`reprotest resume` looks at it"
