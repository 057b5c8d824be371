"""What is known of one optimizer: its parameters, what they are called, and the tables in which they are digested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from reprotest.probe.torch.events import Table
from reprotest.probe.torch.initial import parameters_of
from reprotest.probe.torch.names import Buffer
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from torch.optim import Optimizer

_LARGE = 4 << 20
"""Bytes of parameters from which a sketch of each costs nothing beside its digest."""


class Tracked:
    """What is known of one optimizer.

    Attributes:
        steps: how often it has stepped.
        before: completed steps of the training when it was first used: one that takes over from another goes on counting.
    """

    def __init__(self, optimizer: Optimizer, names: list[str], buffers: list[Buffer]) -> None:
        self.parameters = parameters_of(optimizer)
        self.groups = [(group["params"], list(group["params"])) for group in optimizer.param_groups]
        self.names = names
        self.gradients = Table(Phase.BACKWARD, names, gradients=True)
        self.values = Table(Phase.UPDATE, names)
        self.buffer_names = [buffer.name for buffer in buffers]
        self.buffers = [(buffer.of, buffer.key) for buffer in buffers]
        self.buffer_values = Table(Phase.UPDATE, self.buffer_names)
        self.large = sum(_nbytes(t) for t in self.parameters) >= _LARGE
        self.steps = 0
        self.before = 0
        self.has_none = False
        self._partial: dict[tuple[bool, ...], Table] = {}

    def is_ahead(self, step: int) -> bool:
        """Has it stepped more often than the training has completed steps?"""
        return self.before + self.steps > step

    def present(self, gradients: list[Tensor | None]) -> tuple[Table, list[Tensor]]:
        """A table for the gradients that there are: the rest of the parameters is frozen, or took no part."""
        pattern = tuple(gradient is not None for gradient in gradients)
        self.has_none = not all(pattern)
        table = self._partial.get(pattern)
        if table is None:
            names = [name for name, there in zip(self.names, pattern, strict=True) if there]
            table = self._partial[pattern] = Table(Phase.BACKWARD, names, gradients=True)
        return table, [gradient for gradient in gradients if gradient is not None]

    def is_current(self, optimizer: Any) -> bool:
        """Are the parameters still the same tensors? Lists are compared by the identity of their items first."""
        groups = optimizer.param_groups
        if len(groups) != len(self.groups):
            return False
        try:
            if len(groups) == 1:
                known, copy = self.groups[0]
                return groups[0]["params"] is known and known == copy
            return all(
                group["params"] is known and known == copy
                for group, (known, copy) in zip(groups, self.groups, strict=True)
            )
        except Exception:  # comparing two different tensors by value
            return False

    def check_sizes(self) -> None:
        """Begin anew with tables whose tensors have been given other memory of another size."""
        if self.steps and not self.values.has_sizes(self.parameters):
            self.values = Table(Phase.UPDATE, self.names)
            self.gradients = Table(Phase.BACKWARD, self.names, gradients=True)
            self._partial.clear()


def _nbytes(tensor: Tensor) -> int:
    try:
        return int(tensor.nbytes)
    except Exception:  # a tensor without storage
        return 0
