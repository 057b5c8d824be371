"""Losses, and the steps of loops without an optimizer.

`torch.autograd.backward` is where every `loss.backward()` arrives. Where no optimizer has been made, a backward pass is a step: its leaves
are recorded before it (they show the update since the last one) and their gradients after it.
"""

from __future__ import annotations

import functools
import sys
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from reprotest.probe.torch.events import put
from reprotest.probe.torch.names import variable_of
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from types import CodeType

    from reprotest.probe.child import Child
    from reprotest.probe.torch.finer import Finer
    from reprotest.probe.torch.initial import InitialState
    from reprotest.probe.torch.names import Names
    from reprotest.probe.torch.steps import OptimizerSteps

_SMALL = 2000
"""Nodes of a graph that is searched for its leaves at every pass; a larger one only now and then."""
_MOST_NODES = 200_000

_getframe = sys._getframe
_METHODS = (Tensor.backward.__code__.co_filename, __file__)
_task = torch._C._current_graph_task_id
_is_compiling = torch.compiler.is_compiling


class _Manual(threading.local):
    """The loop without an optimizer of one thread."""

    def __init__(self) -> None:
        self.leaves: list[weakref.ref[Tensor]] = []
        self.labels: dict[int, tuple[weakref.ref[Tensor], str]] = {}
        self.passes = 0
        self.nodes = 0


class Backward:
    """Wraps `torch.autograd.backward`, `torch.autograd.grad` and `Tensor.backward`."""

    def __init__(self, child: Child, names: Names, initial: InitialState, steps: OptimizerSteps, finer: Finer) -> None:
        self._child = child
        self._names = names
        self._initial = initial
        self._steps = steps
        self._finer = finer
        self._sites: dict[tuple[CodeType, int], str | None] = {}
        self._manual = _Manual()

    def install(self) -> None:
        backward, grad = torch.autograd.backward, torch.autograd.grad

        @functools.wraps(backward)
        def observed_backward(tensors: Any = (), *args: Any, **kwargs: Any) -> Any:
            if _task() != -1:  # inside another pass: checkpointing runs parts of its own
                return backward(tensors, *args, **kwargs)
            leaves = self._begin(tensors, None)
            result = backward(tensors, *args, **kwargs)
            if leaves is not None:
                self._end(leaves, [leaf.grad for leaf in leaves])
            return result

        @functools.wraps(grad)
        def observed_grad(outputs: Any, inputs: Any = None, *args: Any, **kwargs: Any) -> Any:
            if _is_compiling() or _task() != -1 or not self._is_plain(outputs, inputs):
                return grad(outputs, inputs, *args, **kwargs)
            wanted = [inputs] if isinstance(inputs, Tensor) else list(inputs)
            leaves = self._begin(outputs, wanted)
            result = grad(outputs, inputs, *args, **kwargs)
            self._gradients(wanted, result, ends=leaves is not None)
            return result

        torch.autograd.backward = observed_backward
        torch.autograd.grad = observed_grad
        self._shorten(backward)
        self._child.at_exit(self._last_update)

    def _shorten(self, backward: Callable[..., None]) -> None:
        """Let `loss.backward()` of an ordinary step call the real function directly, once the loss has been noted."""
        original, lane, observed = Tensor.backward, self._steps.lane, torch.autograd.backward
        ready, is_overridden, autograd = lane.ready, torch.overrides.has_torch_function_unary, torch.autograd

        @functools.wraps(original)
        def observed_method(
            self: Tensor, gradient: Any = None, retain_graph: Any = None, create_graph: bool = False, inputs: Any = None
        ) -> None:
            if (
                ready
                and not (_is_compiling() or is_overridden(self))
                and _task() == -1
                and autograd.backward is observed
                and lane.loss(self, _getframe(1))
            ):
                backward(self, gradient, retain_graph, create_graph, inputs=inputs)
                return
            original(self, gradient, retain_graph, create_graph, inputs)  # type: ignore[no-untyped-call]

        Tensor.backward = observed_method  # type: ignore[method-assign]

    # --- before and after a pass --------------------------------------------------------------------------------

    def _begin(self, tensors: Any, inputs: list[Tensor] | None) -> list[Tensor] | None:
        """Record the loss. Returns the leaves, if this pass is a step of its own."""
        try:
            stream = self._child.stream_here()
            if stream is None:
                return None
            if "backward" in self._initial.due:
                self._steps.here.release()
                self._initial.look("backward")
            leaves = None
            roots = [tensors] if isinstance(tensors, Tensor) else list(tensors)
            if not self._steps.constructed:
                leaves = self._find_leaves(roots) if inputs is None else inputs
                phase = Phase.UPDATE if self._manual.passes else Phase.INIT
                self._manual.passes += 1
                self._manual.leaves = [weakref.ref(leaf) for leaf in leaves]
                for leaf in leaves:
                    put(self._child, self._name(leaf), phase, leaf)
            location = self._site(3)
            for index, root in enumerate(roots):
                self._steps.here.loss(stream, "loss" if len(roots) == 1 else f"loss[{index}]", root, location)
            return leaves
        except Exception as error:
            self._child.note(f"a loss could not be observed: {error!r}")
            return None

    def _end(self, leaves: list[Tensor], gradients: Iterable[Tensor | None]) -> None:
        try:
            self._steps.here.release()
            for leaf, gradient in zip(leaves, gradients, strict=False):
                if gradient is not None:
                    put(self._child, self._name(leaf), Phase.BACKWARD, gradient)
        except Exception as error:
            self._child.note(f"gradients could not be observed: {error!r}")
        self._child.end_step()
        self._finer.update()

    def _gradients(self, inputs: list[Tensor], result: Any, *, ends: bool) -> None:
        """What `torch.autograd.grad` returned."""
        found = [result] if isinstance(result, Tensor) else list(result)
        if ends:
            self._end(inputs, found)
            return
        try:
            self._steps.here.release()
            for index, (tensor, gradient) in enumerate(zip(inputs, found, strict=False)):
                if isinstance(gradient, Tensor):
                    put(self._child, self._names.tensor(tensor) or f"grad[{index}]", Phase.BACKWARD, gradient)
        except Exception as error:
            self._child.note(f"gradients could not be observed: {error!r}")

    @staticmethod
    def _is_plain(outputs: Any, inputs: Any) -> bool:
        """Ordinary tensors: neither graph edges nor the wrapped tensors of torch.func."""
        values = [outputs] if isinstance(outputs, Tensor) else outputs
        wanted = [inputs] if isinstance(inputs, Tensor) else inputs
        if not isinstance(values, (list, tuple)) or not isinstance(wanted, (list, tuple)):
            return False
        wrapped = torch._C._functorch.is_functorch_wrapped_tensor
        return all(isinstance(v, Tensor) and not wrapped(v) for v in (*values, *wanted))

    # --- loops without an optimizer -----------------------------------------------------------------------------

    def _find_leaves(self, roots: list[Tensor]) -> list[Tensor]:
        """The tensors that this pass will add gradients to, in the order in which the graph reaches them."""
        manual = self._manual
        known = self._live_leaves()
        if manual.nodes > _SMALL and len(known) == len(manual.leaves) and manual.passes & (manual.passes - 1):
            return known
        found: list[Tensor] = []
        pending = [root.grad_fn for root in roots if root.grad_fn is not None]
        seen = set(pending)
        while pending and len(seen) < _MOST_NODES:
            node = pending.pop()
            leaf = getattr(node, "variable", None)
            if leaf is not None:
                found.append(leaf)
            for following, _ in node.next_functions:
                if following is not None and following not in seen:
                    seen.add(following)
                    pending.append(following)
        manual.nodes = len(seen)
        return found

    def _live_leaves(self) -> list[Tensor]:
        return [leaf for leaf in (reference() for reference in self._manual.leaves) if leaf is not None]

    def _last_update(self) -> None:
        """What the last pass of a loop without an optimizer led to."""
        for leaf in self._live_leaves():
            put(self._child, self._name(leaf), Phase.UPDATE, leaf)
        self._child.commit()

    def _name(self, leaf: Tensor) -> str:
        name = self._names.tensor(leaf)
        if name is not None:
            return name
        labels = self._manual.labels
        entry = labels.get(id(leaf))
        if entry is None or entry[0]() is not leaf:
            if self._manual.passes <= 1:
                self._names.learn([leaf])
            for key in [key for key, (reference, _) in labels.items() if reference() is None]:
                del labels[key]
            name = self._names.tensor(leaf) or variable_of(leaf) or self._free_label()
            entry = labels[id(leaf)] = (weakref.ref(leaf), name)
        return entry[1]

    def _free_label(self) -> str:
        taken = {label for _, label in self._manual.labels.values()}
        number = 0
        while f"leaf[{number}]" in taken:
            number += 1
        return f"leaf[{number}]"

    def _site(self, depth: int) -> str | None:
        """The line that called backward, `depth` frames up or behind PyTorch's method and ours; looked up once for each place."""
        frame = _getframe(depth)
        while frame.f_code.co_filename in _METHODS and frame.f_back is not None:
            frame = frame.f_back
        key = (frame.f_code, frame.f_lasti)
        try:
            return self._sites[key]
        except KeyError:
            site = self._sites[key] = self._child.site()
            return site
