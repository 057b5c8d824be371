"""Batches as they come out of a DataLoader, in the process that uses them."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import TYPE_CHECKING, Any

from torch import Tensor

from reprotest.probe.leaves import leaves
from reprotest.probe.torch.events import put
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child
    from reprotest.probe.torch.finer import Finer
    from reprotest.probe.torch.initial import InitialState

_MOST_PENDING = 4096
"""Events of batches that no step follows (a long evaluation), after which a frame is written."""


def observe_batches(child: Child, initial: InitialState, finer: Finer, loader: ModuleType) -> None:
    """Record what every DataLoader iterator's `__next__` returns."""
    iterator = loader._BaseDataLoaderIter
    original = iterator.__next__

    @functools.wraps(original)
    def __next__(self: Any) -> Any:
        if "batch" in initial.due:
            try:
                initial.look("batch")
            except Exception as error:
                child.note(f"initial parameters could not be observed: {error!r}")
        with finer.loading():
            batch = original(self)
        try:
            put_batch(child, batch)
        except Exception as error:
            child.note(f"a batch could not be observed: {error!r}")
        return batch

    iterator.__next__ = __next__


def put_batch(child: Child, batch: Any) -> None:
    """One DATA event for each tensor or plain value of a batch: batch[0], batch['x'], …

    Where the run is observed finely they say who asks for the batch: not every batch is made by operators.
    """
    writer = child.writer()
    if writer is None or child.level == "lines":
        return
    location = child.site() if child.level == "operators" else None
    for name, leaf in [("batch", batch)] if isinstance(batch, Tensor) else leaves(batch, "batch"):
        if isinstance(leaf, Tensor):
            put(child, name, Phase.DATA, leaf, location=location)
        else:
            child.observe(name, Phase.DATA, leaf, location=location)
    if writer.pending >= _MOST_PENDING:
        child.commit()
