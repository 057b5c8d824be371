"""Operator level: every operator's output, with the user's line, inside the window only.

The first differing event is then the first operator whose output differs while its inputs agree: outputs are recorded in the order of
execution, and so is every tensor that comes from outside (NumPy, a compiled region) when an operator first reads it, and memory that
`torch.empty` gave when it is read before it was written. Views are skipped; they show what was recorded already. An operator of the
backward pass belongs to the line of the forward pass that made its node, found by autograd's sequence numbers.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from reprotest.probe.torch import events
from reprotest.record.event import UNINITIALISED, Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child
    from reprotest.probe.event_stream import EventStream
    from reprotest.probe.torch.modules import Modules
    from reprotest.probe.torch.names import Names
    from reprotest.probe.torch.steps import OptimizerSteps

_task = torch._C._current_graph_task_id
_sequence_number = torch.autograd._get_sequence_nr  # type: ignore[attr-defined]
_IGNORED = ("profiler", "prim", "c10d", "inductor")
_INITIALISERS = ("__init__", "reset_parameters")
_UNINITIALISED = frozenset(
    f"aten::{name}"
    for name in ("empty", "new_empty", "empty_like", "empty_strided", "new_empty_strided", "empty_permuted", "resize_")
)
"""What they return holds whatever lay in that memory."""
_RELABELS = "aten::set_"
"""Makes a tensor of a storage that somebody is going to fill: recorded when it is read."""


class _Operator:
    """What an operator's schema says."""

    __slots__ = ("allocates", "ignored", "name", "unread", "view", "writes")

    def __init__(self, func: Any) -> None:
        schema = func._schema
        self.name = schema.name
        self.ignored = schema.name.partition("::")[0] in _IGNORED
        self.unread = schema.name in ("aten::equal", _RELABELS)  # gives no tensor that others read, or reads nothing
        self.allocates = schema.name in _UNINITIALISED
        self.writes = [
            (i, argument.name)
            for i, argument in enumerate(schema.arguments)
            if argument.alias_info and argument.alias_info.is_write
        ]
        returned = [value.alias_info for value in schema.returns]
        self.view = schema.name == _RELABELS or (
            bool(returned) and all(alias is not None and not alias.is_write for alias in returned)
        )


class Operators:
    """The operator level of all threads."""

    def __init__(self, child: Child, names: Names, modules: Modules, steps: OptimizerSteps) -> None:
        self.child = child
        self.names = names
        self.modules = modules
        self.steps = steps
        self._here = _Here()

    def switch_on(self) -> None:
        """In the calling thread, below any mode of the program's own, so that the program pops what it pushed."""
        stream = self.child.stream_here()
        if self._here.mode is None and stream is not None:
            self._here.mode = mode = _Mode(self, stream)
            with _lifted_modes():
                torch._C._push_on_torch_dispatch_stack(mode)

    def switch_off(self) -> None:
        mode, self._here.mode = self._here.mode, None
        if mode is not None:
            with _lifted_modes(until=mode):
                if _stack_height() and _stack_at(_stack_height() - 1) is mode:
                    torch._C._pop_torch_dispatch_stack(None)

    @contextlib.contextmanager
    def loading(self) -> Iterator[None]:
        """What operators do meanwhile is data."""
        mode = self._here.mode
        if mode is None:
            yield
            return
        mode.loading = True
        try:
            yield
        finally:
            mode.loading = False


class _Here(threading.local):
    """The mode of one thread."""

    mode: _Mode | None = None


class _Context(NamedTuple):
    """Where an operator runs: phase, the user's line, the module whose forward is (or was) running."""

    phase: Phase
    site: str | None
    module: str | None


class _Mode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operator of one thread, and of the backward passes that it starts."""

    def __init__(self, operators: Operators, stream: EventStream) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._child = operators.child
        self._names = operators.names
        self._modules = operators.modules
        self._steps = operators.steps
        self._stream = stream
        self._known: dict[Any, _Operator] = {}
        self._sources = _Sources()
        self._lines: dict[int, tuple[str | None, str | None]] = {}
        self._pid = os.getpid()
        self.loading = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        operator = self._known.get(func)
        if operator is None:
            operator = self._known[func] = _Operator(func)
        if operator.ignored or events.recording.active or self._pid != os.getpid():
            return func(*args, **kwargs)
        context = None
        given, written = _tensors((*args, *kwargs.values())), _written(operator, args, kwargs)
        try:
            context = self._context(given)
            self._read(operator, given, written, context)
        except Exception as error:
            self._child.note(f"the inputs of {operator.name} could not be observed: {error!r}")
        output = func(*args, **kwargs)
        if context is not None:
            try:
                self._write(operator, given, written, output, context)
            except Exception as error:
                self._child.note(f"the output of {operator.name} could not be observed: {error!r}")
        return output

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        """A plain mode makes torch.compile fall back to eager execution, which would be another program."""
        return True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Else torch._dynamo would be imported, which takes seconds."""
        return False

    def _context(self, given: list[Tensor]) -> _Context:
        if _task() != -1:
            node = torch._C._current_autograd_node()
            found = self._lines.get(node._sequence_nr()) if node is not None else None
            return _Context(Phase.BACKWARD, *(found or (self._child.site(), None)))
        site, module = self._child.site(), self._modules.current()
        # The node that autograd has just made for this operator has the last number; without one it is an earlier operator's.
        self._lines.setdefault(_sequence_number() - 1, (site, module))
        if self._steps.is_stepping:
            phase = Phase.UPDATE
        elif self.loading:
            phase = Phase.DATA
        elif module is not None or (torch.is_grad_enabled() and any(t.requires_grad for t in given)):
            phase = Phase.FORWARD
        else:
            phase = Phase.INIT if _is_initialising() else Phase.DATA
        return _Context(phase, site, module)

    def _read(self, operator: _Operator, given: list[Tensor], written: list[Tensor], context: _Context) -> None:
        """Record inputs that no observed operator has made."""
        if operator.unread:
            return
        known = self._sources.known
        for tensor in given:
            if not _has_storage(tensor):
                continue
            storage = tensor.untyped_storage()
            source = known.get(storage._cdata)
            if source is None:
                self._sources.add(storage)
                if self._names.tensor(tensor) is None and not _is_among(tensor, written):
                    self._put("input", tensor, context, outside=True)
            elif source.empty_since is not None and not operator.view and not _is_among(tensor, written):
                site, made_by = source.empty_since
                source.empty_since = None
                self._put(UNINITIALISED, tensor, context._replace(site=site), op=made_by)

    def _write(
        self, operator: _Operator, given: list[Tensor], written: list[Tensor], output: Any, context: _Context
    ) -> None:
        """Record what the operator made or changed. Views are no new values, and new empty memory has none yet."""
        if operator.view:
            return
        made = _tensors((output,))
        if operator.allocates:
            for tensor in filter(_has_storage, made):
                self._sources.add(tensor.untyped_storage()).empty_since = (context.site, operator.name)
            return
        seen = {id(tensor) for tensor in written}
        results = [*written, *(tensor for tensor in made if id(tensor) not in seen)] if seen else made
        for index, tensor in enumerate(results):
            if index and tensor.dtype is torch.uint8 and all(t.dtype is not torch.uint8 for t in given):
                self._sources.add(tensor.untyped_storage())
                continue  # a kernel's workspace, with whatever lay in that memory
            if _has_storage(tensor):
                storage = tensor.untyped_storage()
                source = self._sources.known.get(storage._cdata) or self._sources.add(storage)
                if source.empty_since is not None and tensor.nbytes >= source.nbytes:
                    source.empty_since = None
            name = self._names.tensor(tensor) or context.module or operator.name
            self._put(name if len(results) == 1 else f"{name}[{index}]", tensor, context, op=operator.name)

    def _put(
        self, name: str, tensor: Tensor, context: _Context, *, op: str | None = None, outside: bool = False
    ) -> None:
        phase = Phase.DATA if outside and context.phase in (Phase.FORWARD, Phase.INIT) else context.phase
        events.put(self._child, name, phase, tensor, op=op, location=context.site, stream=self._stream)


class _Source:
    """A storage that is known: its size, and where it came from if it was never written."""

    __slots__ = ("empty_since", "nbytes", "reference")

    def __init__(self, storage: Any) -> None:
        self.reference = StorageWeakRef(storage)  # type: ignore[no-untyped-call]  # while it lives, no other storage has this number
        self.nbytes = storage.nbytes()
        self.empty_since: tuple[str | None, str] | None = None


class _Sources:
    """Storages whose content has been recorded.

    Attributes:
        known: by the storage's number.
    """

    def __init__(self) -> None:
        self.known: dict[int, _Source] = {}

    def add(self, storage: Any) -> _Source:
        source = self.known[storage._cdata] = _Source(storage)
        return source


def _written(operator: _Operator, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    """The tensors that the operator changes."""
    return _tensors([args[index] if index < len(args) else kwargs.get(name) for index, name in operator.writes])


def _has_storage(tensor: Tensor) -> bool:
    """Dense memory of its own; what sparse and wrapper tensors consist of is seen when it is made."""
    return tensor.layout is torch.strided and torch._C._has_storage(tensor)


def _is_among(tensor: Tensor, tensors: list[Tensor]) -> bool:
    return any(tensor is other for other in tensors)


def _tensors(values: Sequence[Any]) -> list[Tensor]:
    """The tensors among values, and in the lists, tuples and dictionaries among them."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += _tensors(value)
        elif isinstance(value, dict):
            found += _tensors(list(value.values()))
    return found


def _is_initialising() -> bool:
    """Is torch.nn.init, or the constructor of one of PyTorch's modules, on the stack?"""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if name == "torch.nn.init" or (frame.f_code.co_name in _INITIALISERS and name.startswith("torch.nn.modules")):
            return True
        frame = frame.f_back
    return False


# --- the stack of dispatch modes --------------------------------------------------------------------------------

_stack_height = torch._C._len_torch_dispatch_stack
_stack_at = torch._C._get_dispatch_stack_at


@contextlib.contextmanager
def _lifted_modes(until: _Mode | None = None) -> Iterator[None]:
    """Take the program's own modes off the stack, and put them back afterwards."""
    lifted = []
    while _stack_height() and _stack_at(_stack_height() - 1) is not until:
        lifted.append(torch._C._pop_torch_dispatch_stack(None))
    try:
        yield
    finally:
        for mode in reversed(lifted):
            torch._C._push_on_torch_dispatch_stack(mode)
