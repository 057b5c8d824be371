"""What one thread has observed of the step under way and not handed to its writer yet: a frame that is written in one go is cheaper."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from torch import Tensor

from reprotest.digest.tensor import tensor_row
from reprotest.probe.torch.events import Packed, add, keeps_values, loss_event, put
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child
    from reprotest.probe.event_stream import EventStream
    from reprotest.probe.torch.ordinary import Lane


class Held(threading.local):
    """Where one thread stands.

    Attributes:
        stepping: the optimizer whose step is under way.
        closure: it computes loss and gradients itself.
        held: the events.
    """

    def __init__(self, child: Child, lane: Lane) -> None:
        self._child = child
        self._lane = lane
        self.stepping: Any = None
        self.closure = False
        self.held: list[Packed] = []

    def loss(self, stream: EventStream, name: str, value: Tensor, location: str | None) -> None:
        """The value that a backward pass is about to start from."""
        self.held += self._lane.leave()
        if stream.writer.pending or keeps_values(self._child, stream) or self._child.level == "lines":
            self.release()
            put(self._child, name, Phase.LOSS, value, location=location)
            return
        digest, a, b = tensor_row(value)
        self.held.append(((loss_event(name, value, location),), [digest], [a, b]))

    def collect(self) -> None:
        """Take over what the short way has seen of the step under way."""
        self.held += self._lane.spill()

    def forget_gradients(self) -> None:
        """Drop them, but not the losses."""
        self.held = [packed for packed in self.held if packed[0] and packed[0][0][1] != Phase.BACKWARD]

    def release(self) -> None:
        """Hand what is held back to the writer."""
        self.collect()
        held, self.held = self.held, []
        if held:
            stream = self._child.stream_here()
            if stream is not None:
                for packed in held:
                    add(stream.writer, packed)
