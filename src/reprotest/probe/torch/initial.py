"""Parameters and buffers as training finds them.

They are looked at when training is about to begin: at the first batch, the first backward pass and the first step after an optimizer
was made. By then a checkpoint that was loaded late is in place. What did not change since the last look is recorded once.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

from torch import Tensor

from reprotest.digest.tensor import digest_tensor
from reprotest.probe.torch.events import put
from reprotest.probe.torch.names import Names, named_tensors, variable_of
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from reprotest.probe.child import Child


class InitialState(threading.local):
    """Records INIT events, for each thread those of the optimizers that it makes or uses.

    Attributes:
        due: the moments ("batch", "backward", "step") at which another look is needed; empty during training.
    """

    def __init__(self, child: Child, names: Names) -> None:
        self._child = child
        self._names = names
        self._optimizers: list[weakref.ref[Optimizer]] = []
        self._digests: dict[int, tuple[weakref.ref[Tensor], bytes]] = {}
        self._buffers: dict[int, tuple[weakref.ref[Tensor], bytes]] = {}
        self._trained: set[int] = set()
        self._unnamed: dict[int, tuple[weakref.ref[Tensor], str]] = {}
        self.due: set[str] = set()

    def constructed(self, optimizer: Optimizer) -> None:
        """A new optimizer: look again when it is used. Buffers are noted now, because a forward pass may come before the first look."""
        self._optimizers = [ref for ref in self._optimizers if ref() is not None]
        self._optimizers.append(weakref.ref(optimizer))
        for _, tensor, is_buffer in named_tensors(self._names, self._names.learn(self._parameters())):
            if is_buffer and not _same(self._buffers, tensor):
                self._buffers[id(tensor)] = (weakref.ref(tensor), digest_tensor(tensor))
        self.due = {"batch", "backward", "step"}

    def used(self, optimizer: Optimizer) -> None:
        """This thread uses an optimizer for the first time; another may have made it."""
        if not any(ref() is optimizer for ref in self._optimizers):
            self.constructed(optimizer)

    def look(self, moment: str) -> None:
        """Record what is new or was changed since the last look."""
        self.due.discard(moment)
        if moment == "step":
            self.due.clear()
        roots = self._names.learn(self._parameters())
        for name, tensor, is_buffer in named_tensors(self._names, roots):
            if not is_buffer:
                self._record(name, tensor)
            elif not _same(self._digests, tensor):
                noted = self._buffers.get(id(tensor))
                if moment == "batch" or (noted is not None and noted[1] == digest_tensor(tensor)):
                    self._record(name, tensor)  # else the first forward pass has been at it: no longer initial
        for tensor in self._parameters():
            if self._names.tensor(tensor) is None:
                self._record(self.name(tensor), tensor)

    def _parameters(self) -> list[Tensor]:
        optimizers = [optimizer for optimizer in (ref() for ref in self._optimizers) if optimizer is not None]
        return [tensor for optimizer in optimizers for tensor in parameters_of(optimizer)]

    def trained(self, tensors: list[Tensor]) -> None:
        """These have been updated by a step and are initial no more."""
        self._trained.update(map(id, tensors))
        for tensor in tensors:
            self._digests.setdefault(id(tensor), (weakref.ref(tensor), b""))

    def name(self, tensor: Tensor) -> str:
        """Name of an optimizer's parameter, also if no module holds it."""
        name = self._names.tensor(tensor)
        if name is not None:
            return name
        if not _same(self._unnamed, tensor):
            self._unnamed = {key: entry for key, entry in self._unnamed.items() if entry[0]() is not None}
            name = variable_of(tensor) or f"parameter[{len(self._unnamed)}]"
            self._unnamed[id(tensor)] = (weakref.ref(tensor), name)
        return self._unnamed[id(tensor)][1]

    def _record(self, name: str, tensor: Tensor) -> None:
        known = _same(self._digests, tensor)
        if known and id(tensor) in self._trained:
            return
        digest = digest_tensor(tensor)
        if not known:
            self._trained.discard(id(tensor))
        elif self._digests[id(tensor)][1] == digest:
            return
        self._digests[id(tensor)] = (weakref.ref(tensor), digest)
        put(self._child, name, Phase.INIT, tensor)


def parameters_of(optimizer: Any) -> list[Tensor]:
    """The optimizer's parameters, in the order of its groups."""
    return [tensor for group in optimizer.param_groups for tensor in group["params"]]


def _same(table: dict[int, tuple[weakref.ref[Tensor], Any]], tensor: Tensor) -> bool:
    """Is the table's entry under this id about this very tensor?"""
    entry = table.get(id(tensor))
    return entry is not None and entry[0]() is tensor
