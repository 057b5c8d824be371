"""What one thread has observed of the step under way and not handed to its writer yet: a frame that is written in one go is cheaper."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from torch import Tensor

from reprotest.digest.algorithm import hash128
from reprotest.digest.tensor import name_of, plain_memory, shape_of, tensor_row
from reprotest.probe.torch.events import Packed, add, keeps_values, put
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child, EventStream
    from reprotest.probe.torch.optimizers import Tracked
    from reprotest.record.format import Descriptor

_MOST_LOSSES = 1000


class Held(threading.local):
    """Where one thread stands.

    Attributes:
        stepping: the optimizer whose step is under way.
        closure: it computes loss and gradients itself.
        held: the events.
        ready: optimizer's id → what is known of it, while the next step is known to be an ordinary one (no first look, no window).
        ordinary_until: the step that is not.
        losses: address → what is known of a scalar there that a backward pass started from.
    """

    def __init__(self, child: Child) -> None:
        self._child = child
        self._losses: dict[Any, tuple[Descriptor, ...]] = {}
        self.stepping: Any = None
        self.closure = False
        self.held: list[Packed] = []
        self.ready: dict[int, Tracked] = {}
        self.ordinary_until = 0
        self.losses: dict[int, tuple[Any, ...]] = {}

    def loss(self, stream: EventStream, name: str, value: Tensor, location: str | None) -> None:
        """The value that a backward pass is about to start from."""
        if stream.writer.pending or keeps_values(self._child, stream) or self._child.level == "lines":
            self.release()
            put(self._child, name, Phase.LOSS, value, location=location)
            return
        digest, a, b = tensor_row(value)
        described = self._described_loss(name, value, location)
        self.held.append((described, [digest], [a, b]))

    def scalar_loss(self, value: Any, location: str | None) -> bool:
        """The same for an ordinary loss in an ordinary step; False: it is not one."""
        try:
            pointer = value.data_ptr()
            buffer, seed, dtype, sketch, place, described, writer = self.losses[pointer]
            if value.dtype is not dtype or value.dim() or location is not place:
                raise KeyError(pointer)
        except Exception:  # a tensor without an address, or a new one
            known = self._ordinary_loss(value, location)
            if known is None:
                return False
            buffer, seed, dtype, sketch, place, described, writer = self.losses[pointer] = known
        if writer.pending:
            return False
        self.held.append((described, [hash128(buffer, seed)], sketch(buffer)))
        return True

    def _ordinary_loss(self, value: Tensor, location: str | None) -> tuple[Any, ...] | None:
        stream = self._child.stream_here()
        buffer, layout = plain_memory(value)
        if stream is None or layout is None or value.dim():
            return None
        if len(self.losses) > _MOST_LOSSES:
            self.losses.clear()
        described = self._described_loss("loss", value, location)
        return buffer, layout.seed, value.dtype, layout.sketch, location, described, stream.writer

    def _described_loss(self, name: str, value: Tensor, location: str | None) -> tuple[Descriptor, ...]:
        key = (name, value.dtype, value.shape, location)
        described = self._losses.get(key)
        if described is None:
            if len(self._losses) > _MOST_LOSSES:
                self._losses.clear()
            row = (name, int(Phase.LOSS), None, name_of(value), shape_of(value), location)
            described = self._losses[key] = (row,)
        return described

    def release(self) -> None:
        """Hand what is held back to the writer."""
        held = self.held
        if held:
            self.held = []
            stream = self._child.stream_here()
            if stream is not None:
                for packed in held:
                    add(stream.writer, packed)
