"""Records tensors: one at a time, or a fixed table of them over and over at the cost of little more than reading their bytes."""

from __future__ import annotations

import functools
import math
import operator
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from reprotest.digest import device
from reprotest.digest.algorithm import hash128
from reprotest.digest.tensor import name_of, plain_memory, shape_of, tensor_row
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child
    from reprotest.probe.event_stream import EventStream
    from reprotest.record.format import Descriptor
    from reprotest.record.writer import StreamWriter

_MOST_POINTERS = 1024
"""Addresses remembered for one gradient: an allocator hands out the same few again and again."""

_look_up = operator.getitem
_data_ptr = Tensor.data_ptr
_is_cpu = Tensor.is_cpu.__get__  # type: ignore[attr-defined]
_is_contiguous = Tensor.is_contiguous
_nbytes_of = Tensor.nbytes.__get__  # type: ignore[attr-defined]


class _Recording(threading.local):
    """While a tensor is digested, operators are our own."""

    active = False


recording = _Recording()


def put(
    child: Child,
    name: str,
    phase: Phase,
    tensor: Tensor,
    *,
    op: str | None = None,
    location: str | None = None,
    stream: EventStream | None = None,
) -> None:
    """Add one tensor to the frame being made: digest and sketch, and inside the window its value.

    Args:
        stream: of which thread; the calling one's by default. A backward pass on a GPU runs in threads of PyTorch's own.
    """
    stream = stream or child.stream_here()
    if stream is None or child.level == "lines":
        return
    writer = stream.writer
    recording.active = True
    try:
        if keeps_values(child, stream):
            stream.values.put_value(writer.frames, writer.pending, tensor)  # type: ignore[union-attr]
        digest, a, b = tensor_row(tensor) if _is_cpu(tensor) else _rows([tensor])[0]
    finally:
        recording.active = False
    writer.event(name, phase, digest, a, b, op=op, dtype=_dtype(tensor), shape=shape_of(tensor), location=location)


def in_window(child: Child, stream: EventStream) -> bool:
    """Is that thread inside the plan's window of steps?"""
    window = child.window
    return window is not None and window[0] <= stream.step <= window[1]


def keeps_values(child: Child, stream: EventStream) -> bool:
    """Are values kept beside digests now?"""
    return stream.values is not None and child.keeps_values(stream.step)


Packed = tuple[Sequence["Descriptor"], list[bytes], "Sequence[float] | None"]
"""Events that are ready to be written: descriptors, digests, and two numbers (the sketch) for each; None: no numbers."""


def add(writer: StreamWriter, packed: Packed) -> None:
    """Add events to the frame being made."""
    described, digests, sketches = packed
    writer.events(described, digests, [math.nan] * (2 * len(digests)) if sketches is None else sketches)


def loss_event(name: str, value: Tensor, location: str | None) -> Descriptor:
    """What is written once about a loss."""
    return _loss_event(name, value.dtype, value.shape, location)


@functools.lru_cache(1000)
def _loss_event(name: str, dtype: Any, shape: Any, location: str | None) -> Descriptor:
    return name, int(Phase.LOSS), None, str(dtype).removeprefix("torch."), tuple(shape), location


class Table:
    """Tensors that are digested every step, in one order.

    A parameter's memory hardly ever moves, and its gradient moves among a few places. What was looked up about an address (a ctypes
    array over it) is used again as long as the tensor still starts there and what is read is certain to be its own. That it has
    as many bytes as before is for the caller to check (`has_sizes`); a gradient may also be a view that repeats its elements.

    Args:
        phase: of its events.
        names: of its tensors.
        gradients: check that they are contiguous.

    Attributes:
        described: the events of all tensors; empty before they were first digested.
    """

    def __init__(self, phase: Phase, names: Sequence[str], *, gradients: bool = False) -> None:
        self._phase = phase
        self._names = names
        self._gradients = gradients
        self._known: list[dict[int, Any]] = [{} for _ in names]
        self._layouts: list[Any] = [None] * len(names)
        self._described: list[Descriptor] = [(name, int(phase), None, None, None, None) for name in names]
        self.described: tuple[Descriptor, ...] = ()
        self._pointers: list[int] = []
        self._nbytes: list[int] = []
        self._buffers: list[Any] = []
        self._seeds: list[int] = []

    def has_sizes(self, tensors: Sequence[Any]) -> bool:
        """Has every tensor as many bytes as when it was first digested? If not, another table is needed."""
        return list(map(_nbytes_of, tensors)) == self._nbytes

    def reader(self) -> Callable[[list[Any]], list[bytes]]:
        """A function from tensors that are as they were to their digests, as fast as it can be.

        It raises an exception where one is not: LookupError, ValueError, or what PyTorch raises.
        """
        seeds, nbytes, known = self._seeds, self._nbytes, self._known

        def gradients(tensors: list[Any]) -> list[bytes]:
            if not all(map(_is_contiguous, tensors)) or list(map(_nbytes_of, tensors)) != nbytes:
                raise ValueError("a view that repeats its elements, or another shape")
            try:
                return list(map(hash128, map(_look_up, known, map(_data_ptr, tensors)), seeds))
            except KeyError:
                self._learn(tensors, list(map(_data_ptr, tensors)))
                return list(map(hash128, self._buffers, seeds))

        pointers, buffers = self._pointers, self._buffers

        def values(tensors: list[Any]) -> list[bytes]:
            if list(map(_data_ptr, tensors)) != pointers:
                raise LookupError("moved")
            return list(map(hash128, buffers, seeds))

        return gradients if self._gradients else values

    def digest(self, tensors: Sequence[Any], sketch: bool = False) -> Packed | None:
        """Events for all tensors of the table; None where one is missing or is no plain memory."""
        try:
            pointers = list(map(_data_ptr, tensors))
            if pointers != self._pointers:
                try:
                    self._buffers = [known[pointer] for known, pointer in zip(self._known, pointers, strict=True)]
                except KeyError:
                    self._learn(tensors, pointers)
                self._pointers = pointers
            if self._gradients and not all(map(_is_contiguous, tensors)):
                return None
            digests = list(map(hash128, self._buffers, self._seeds))
            if not sketch:
                return self.described, digests, None
            sketchers = [layout.sketch for layout in self._layouts]
            pairs = [number for of, buffer in zip(sketchers, self._buffers, strict=True) for number in of(buffer)]
            return self.described, digests, pairs
        except Exception:  # None, or a tensor without an address
            self._pointers = []
            return None

    def digest_some(self, tensors: Sequence[Tensor | None]) -> Packed:
        """Events for tensors of any kind, of which some may be missing."""
        there = [(index, tensor) for index, tensor in enumerate(tensors) if tensor is not None]
        recording.active = True
        try:
            rows = _rows([_row_major(tensor) for _, tensor in there])
            described = [self._describe(index, tensor) for index, tensor in there]
        finally:
            recording.active = False
        return described, [row[0] for row in rows], [number for row in rows for number in row[1:]]

    def _learn(self, tensors: Sequence[Tensor], pointers: list[int]) -> None:
        """Look up what is new. Raises ValueError where a tensor is no plain memory, or no longer of one size."""
        buffers = []
        for index, (tensor, known, pointer) in enumerate(zip(tensors, self._known, pointers, strict=True)):
            buffer = known.get(pointer)
            if buffer is None:
                buffer, layout = plain_memory(_row_major(tensor))
                if layout is None or (self._layouts[index] is not None and layout.seed != self._seeds[index]):
                    raise ValueError(self._names[index])
                if self._layouts[index] is None:
                    self._layouts[index] = layout
                    self._describe(index, tensor)
                if len(known) >= _MOST_POINTERS:
                    known.clear()
                known[pointer] = buffer
            buffers.append(buffer)
        self._buffers = buffers
        if not self.described:
            self._seeds = [layout.seed for layout in self._layouts]
            self._nbytes = [layout.nbytes for layout in self._layouts]
            self.described = tuple(self._described)

    def _describe(self, index: int, tensor: Tensor) -> Descriptor:
        described = self._described[index] = (
            self._names[index], int(self._phase), None, _dtype(tensor), shape_of(tensor), None,
        )  # fmt: skip
        return described


def _rows(tensors: list[Tensor]) -> list[tuple[bytes, float, float]]:
    """Digests and sketches; those of large tensors on a GPU are computed there, and fetched together."""
    if all(map(_is_cpu, tensors)):
        return list(map(tensor_row, tensors))
    there = [number for number, tensor in enumerate(tensors) if device.takes(tensor)]
    made = dict(zip(there, device.rows([tensors[number] for number in there]), strict=True))
    return [made[number] if number in made else tensor_row(tensor) for number, tensor in enumerate(tensors)]


def _dtype(tensor: Tensor) -> str:
    return name_of(tensor) if _is_cpu(tensor) else device.dtype_of(name_of(tensor), tensor)


def _row_major(tensor: Tensor) -> Tensor:
    """A channels-last tensor as the plain memory that it is: a view whose dimensions are in the order of their strides."""
    if tensor.dim() in (4, 5) and not tensor.is_contiguous():
        view = tensor.detach().permute(0, *range(2, tensor.dim()), 1)
        if view.is_contiguous():
            return view
    return tensor
