"""Module level: outputs of every module and their gradients, inside the window only.

`Module.__call__` is replaced instead of registering a global forward hook: torch.compile guards on hooks and would compile another program
in the window, and warns about them. While something is being compiled, the replacement folds away; a compiled module is one unit.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from reprotest.probe.leaves import leaves
from reprotest.probe.torch.events import in_window, put
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child
    from reprotest.probe.event_stream import EventStream
    from reprotest.probe.torch.names import Names

_is_compiling = torch.compiler.is_compiling


class _Calls(threading.local):
    """Modules whose forward runs in this thread, outermost first."""

    def __init__(self) -> None:
        self.names: list[str] = []


class Modules:
    """Observes calls of modules while it is switched on.

    Args:
        record: also record outputs and gradients; otherwise only follow which module is running (for the operator level).
    """

    def __init__(self, child: Child, names: Names, *, record: bool) -> None:
        self._child = child
        self._names = names
        self._record = record
        self._calls = _Calls()
        self._original: Any = None

    def switch_on(self) -> None:
        if self._original is not None:
            return
        original = self._original = nn.Module.__call__
        call = self._call

        def __call__(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if _is_compiling() or isinstance(module, GraphModule):  # what a compiler made
                return original(module, *args, **kwargs)
            return call(original, module, args, kwargs)

        nn.Module.__call__ = __call__  # type: ignore[method-assign]

    def switch_off(self) -> None:
        if self._original is not None:
            nn.Module.__call__ = self._original  # type: ignore[method-assign]
            self._original = None

    def current(self) -> str | None:
        """Name of the module whose forward is running in this thread."""
        return self._calls.names[-1] if self._calls.names else None

    def _call(self, original: Any, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        running = self._calls.names
        name = self._name(module, outermost=not running)
        if self._record and not running:
            self._observe_inputs(args, kwargs)
        running.append(name)
        try:
            output = original(module, *args, **kwargs)
        finally:
            running.pop()
        if self._record:
            self._observe_output(name, output)
        return output

    def _name(self, module: nn.Module, *, outermost: bool) -> str:
        name = self._names.module(module)
        if name is None and outermost:
            self._names.adopt(module)
            name = self._names.module(module)
        return name or type(module).__name__

    def _observe_inputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """What the outermost module is given is data, wherever it came from."""
        try:
            stream = self._child.stream_here()
            if stream is None or not in_window(self._child, stream):
                return
            location = self._child.site()
            for name, value in [
                *((f"input[{i}]", v) for i, v in enumerate(args)),
                *((f"input[{k!r}]", v) for k, v in kwargs.items()),
            ]:
                for path, leaf in leaves(value, name):
                    if isinstance(leaf, Tensor) and not leaf.requires_grad:
                        put(self._child, path, Phase.DATA, leaf, location=location, stream=stream)
        except Exception as error:
            self._child.note(f"the input of a module could not be observed: {error!r}")

    def _observe_output(self, name: str, output: Any) -> None:
        """Digest at once: an in-place operation may change the output later."""
        try:
            stream = self._child.stream_here()
            if stream is None or not in_window(self._child, stream):
                return
            location = self._child.site()
            for path, leaf in [(name, output)] if isinstance(output, Tensor) else leaves(output, name):
                if isinstance(leaf, Tensor):
                    put(self._child, path, Phase.FORWARD, leaf, location=location, stream=stream)
                    if leaf.requires_grad and leaf.grad_fn is not None:
                        leaf.register_hook(_gradient_hook(self._child, stream, path, location))  # type: ignore[no-untyped-call]
        except Exception as error:
            self._child.note(f"the output of {name} could not be observed: {error!r}")


def _gradient_hook(child: Child, stream: EventStream, name: str, location: str | None) -> Any:
    def observe(gradient: Tensor) -> None:
        try:
            if in_window(child, stream):
                put(child, name, Phase.BACKWARD, gradient, location=location, stream=stream)
        except Exception as error:
            child.note(f"the gradient of {name} could not be observed: {error!r}")

    return observe
