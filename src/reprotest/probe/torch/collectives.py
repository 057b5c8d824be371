"""What ranks exchange: each rank's own input to a reduction, and what came out, so that a rank that brings other numbers is told from a
reduction that adds them up otherwise.

`DistributedDataParallel` reduces inside C++; there the input is the gradient that a rank has computed by itself, and the output the one that its
optimizer is given.
"""

from __future__ import annotations

import functools
import inspect
from types import ModuleType
from typing import TYPE_CHECKING, Any

from torch import Tensor

from reprotest.probe.calls import outermost
from reprotest.probe.torch.events import put
from reprotest.record.event import INPUT, OUTPUT, Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child
    from reprotest.probe.torch.names import Names

_INPUTS = {
    "all_reduce": "tensor",
    "reduce": "tensor",
    "broadcast": "tensor",
    "all_gather": "tensor",
    "all_gather_into_tensor": "input_tensor",
    "reduce_scatter": "input_list",
    "reduce_scatter_tensor": "input",
}
"""Collective → its argument that this rank brings."""
_OUTPUTS = {
    "all_gather": "tensor_list",
    "all_gather_into_tensor": "output_tensor",
    "reduce_scatter": "output",
    "reduce_scatter_tensor": "output",
}
"""Those that do not work in place."""


def observe_collectives(child: Child, names: Names) -> None:
    """Record what goes into collectives and comes out of them."""
    child.on_import("torch.distributed.distributed_c10d", lambda module: _observe_module(child, module))
    child.on_import("torch.nn.parallel.distributed", lambda module: _observe_ddp(child, names, module))


def _observe_module(child: Child, module: ModuleType) -> None:
    for name in _INPUTS:
        if hasattr(module, name):
            _observe(child, module, name)


def _observe(child: Child, module: ModuleType, name: str) -> None:
    original = getattr(module, name)
    signature = inspect.signature(original)

    @functools.wraps(original)
    def collective(*args: Any, **kwargs: Any) -> Any:
        with outermost() as mine:
            if not (mine and child.in_main_thread() and not child.is_worker):
                return original(*args, **kwargs)
            try:
                given = signature.bind(*args, **kwargs).arguments
            except TypeError:
                given = {}
            _put(child, name, INPUT, given.get(_INPUTS[name]))
            result = original(*args, **kwargs)
            if not given.get("async_op"):
                _put(child, name, OUTPUT, given.get(_OUTPUTS.get(name, _INPUTS[name])))
            return result

    setattr(module, name, collective)


def _put(child: Child, name: str, side: str, value: Any) -> None:
    tensors = [value] if isinstance(value, Tensor) else value if isinstance(value, (list, tuple)) else []
    location = child.site()
    try:
        for index, tensor in enumerate(tensors):
            label = name if len(tensors) == 1 else f"{name}[{index}]"
            put(child, label, Phase.BACKWARD, tensor, op=f"{name}{side}", location=location)
    except Exception as error:
        child.note(f"what {name} exchanges could not be observed: {error!r}")


def _observe_ddp(child: Child, names: Names, module: Any) -> None:
    kind = module.DistributedDataParallel
    original = kind.__init__

    @functools.wraps(original)
    def __init__(model: Any, *args: Any, **kwargs: Any) -> None:
        original(model, *args, **kwargs)
        stream = child.stream_here()
        if stream is None:
            return
        for path, parameter in model.module.named_parameters():
            if parameter.requires_grad:

                def local(gradient: Tensor, path: str = path, parameter: Tensor = parameter) -> None:
                    name = names.tensor(parameter) or path
                    put(child, name, Phase.BACKWARD, gradient, op=f"all_reduce{INPUT}", stream=stream)

                parameter.register_hook(local)

    kind.__init__ = __init__
