"""The short way of an ordinary step: nothing is due beside the digests of its losses, gradients and parameters, and no tensor has moved.

The interpreter runs this once in every step, with cold caches, so each line counts: what the long way (steps.py) found out about the
optimizer is used again, in one thread, and whatever is not as it was sends the step the long way.
"""

from __future__ import annotations

import os
from _thread import get_ident
from typing import TYPE_CHECKING, Any

from torch import Tensor

from reprotest.digest.algorithm import hash128
from reprotest.digest.tensor import plain_memory
from reprotest.probe.torch.events import loss_event

if TYPE_CHECKING:
    from types import FrameType

    from reprotest.probe.child import Child
    from reprotest.probe.event_stream import EventStream
    from reprotest.probe.torch.events import Packed
    from reprotest.probe.torch.optimizers import Tracked
    from reprotest.record.format import Descriptor

_MOST_LOSSES = 1000
"""Addresses of losses that are remembered."""
_gradient_of = Tensor.grad.__get__  # type: ignore[union-attr]

Loss = tuple["Descriptor", bytes, tuple[float, float]]
"""What it is, its digest, its value."""


class Ordinary:
    """One optimizer whose steps are all alike.

    Attributes:
        gradients: digests, between the beginning of a step and its end.
        losses: what the passes before the last step started from, and `template` the frame of such a step.
    """

    __slots__ = ("gradients", "losses", "parameters", "read_gradients", "read_values", "stream", "template", "tracked")

    def __init__(self, tracked: Tracked, stream: EventStream) -> None:
        self.tracked = tracked
        self.stream = stream
        self.parameters = tracked.parameters
        self.read_gradients = tracked.gradients.reader()
        self.read_values = tracked.values.reader()
        self.gradients: list[bytes] | None = None
        self.losses: list[Descriptor] | None = None
        self.template = 0


class Lane:
    """The short way of one thread: the first that comes to it.

    Attributes:
        ready: optimizer's id → what is known of it, while its next step is known to be an ordinary one.
    """

    def __init__(self, child: Child) -> None:
        self._child = child
        self._thread = 0
        self._until = 0
        self._losses: list[Loss] = []
        self._known: dict[tuple[int, int], tuple[Any, ...]] = {}
        self.ready: dict[int, Ordinary] = {}
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self.ready.clear()
        self._losses.clear()

    def enter(self, optimizer: Any, tracked: Tracked, stream: EventStream, until: int) -> None:
        """The steps of this optimizer are ordinary until that one."""
        self._thread = self._thread or get_ident()
        if get_ident() == self._thread:
            self._until = until
            self.ready[id(optimizer)] = Ordinary(tracked, stream)

    def leave(self) -> list[Packed]:
        """The next step of every optimizer is to go the long way. Returns what was seen of the step under way."""
        if get_ident() != self._thread:
            return []
        self.ready.clear()
        return self.spill()

    def spill(self) -> list[Packed]:
        """Hand over what was seen of the step under way."""
        if not self._losses or get_ident() != self._thread:
            return []
        losses, self._losses = self._losses, []
        return [((described,), [digest], sketch) for described, digest, sketch in losses]

    def loss(self, value: Any, caller: FrameType) -> bool:
        """The value that this frame's call of `backward` is about to start from. False: it has to go the long way."""
        if get_ident() != self._thread:
            return False
        try:
            key = (value.data_ptr(), caller.f_lasti)
            known = self._known.get(key)
            if known is None or known[0] is not caller.f_code or value.dtype is not known[1] or value.dim():
                known = self._learn(key, value, caller)
            _, _, buffer, seed, sketch, described = known
            self._losses.append((described, hash128(buffer, seed), sketch(buffer)))
        except Exception:  # no scalar in plain memory
            return False
        return True

    def _learn(self, key: tuple[int, int], value: Tensor, caller: FrameType) -> tuple[Any, ...]:
        buffer, layout = plain_memory(value)
        if layout is None or value.dim():
            raise ValueError("no scalar in plain memory")
        if len(self._known) > _MOST_LOSSES:
            self._known.clear()
        event = loss_event("loss", value, self._child.site())
        known = self._known[key] = caller.f_code, value.dtype, buffer, layout.seed, layout.sketch, event
        return known

    def begin(self, one: Ordinary, optimizer: Any) -> bool:
        """A step begins. False: it is not ordinary."""
        parameters, groups = one.parameters, optimizer.param_groups
        try:
            if get_ident() == self._thread and len(groups) == 1 and groups[0]["params"] == parameters:
                one.gradients = one.read_gradients(list(map(_gradient_of, parameters)))
                return True
        except Exception:  # other tensors, compared by value; a missing gradient; memory that is not plain
            pass
        return False

    def end(self, one: Ordinary) -> list[Packed]:
        """The step ends. Returns what was seen of it after all, when it was not ordinary."""
        tracked, stream, losses = one.tracked, one.stream, self._losses
        gradients, one.gradients = one.gradients, None
        writer, step = stream.writer, stream.step
        assert gradients is not None
        try:
            if writer.pending:
                raise ValueError("events of another kind")
            values = one.read_values(one.parameters)
        except Exception:
            return [*self.leave(), (tracked.gradients.described, gradients, None)]
        described = [loss[0] for loss in losses]
        if described != one.losses or not writer.knows(one.template):
            one.template = writer.template([*described, *tracked.gradients.described, *tracked.values.described])
            one.losses = described
        digests = [loss[1] for loss in losses]
        digests += gradients
        digests += values
        sketches = [number for loss in losses for number in loss[2]]
        losses.clear()
        try:
            writer.frame(step, one.template, digests, sketches, soon=True)
        except OSError as error:
            self._forget()
            self._child._stop_recording(error)
            return []
        tracked.steps += 1
        if tracked.is_ahead(step):
            stream.step = writer.step = step + 1
            if stream.step >= self._until:
                self.ready.clear()
        return []
