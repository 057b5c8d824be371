"""What torch.save keeps: its tensors and arrays, never the file's bytes, which hold names and times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from reprotest.probe.saving import observe_saving

if TYPE_CHECKING:
    from reprotest.probe.child import Child


def observe_saved(child: Child) -> None:
    """Record the tensors of every object that the program saves."""
    observe_saving(child, torch, "save", "torch.save")
