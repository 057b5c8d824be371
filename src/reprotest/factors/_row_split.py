"""Has a model look at the first row of an evaluation batch by itself, and at the others together.

Rows are independent of each other there, so that nothing may change; but another number of rows has the libraries choose another kernel,
which adds in another order (numpy#14917, vllm#5898). In training that would be another algorithm, so only calls in evaluation mode
without gradients are split.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from reprotest.factors import _outermost
from reprotest.factors.base import Inside

_PLAIN = (bool, int, float, str, type(None))
_CLOSE = 1e-2
"""Relative: within this the two results are the same but for rounding; beyond it the rows are not independent of each other."""


def install(inside: Inside, torch: ModuleType) -> None:
    """Split from now on."""

    def split(module: Any, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        whole = call(*args, **kwargs)
        if module.training or torch.is_grad_enabled():
            return whole
        tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.Tensor)]
        others = [value for value in (*args, *kwargs.values()) if not isinstance(value, torch.Tensor)]
        rows = tensors[0].shape[0] if tensors and tensors[0].dim() else 0
        alike = all(tensor.dim() and tensor.shape[0] == rows for tensor in tensors)
        if rows < 2 or not alike or not isinstance(whole, torch.Tensor) or whole.shape[:1] != (rows,):
            return whole
        if not all(isinstance(value, _PLAIN) for value in others):
            return whole  # a cache, perhaps, that the first call has filled

        def of(part: slice) -> Any:
            one = [value[part] if isinstance(value, torch.Tensor) else value for value in args]
            return call(*one, **{k: v[part] if isinstance(v, torch.Tensor) else v for k, v in kwargs.items()})

        parts = torch.cat([of(slice(0, 1)), of(slice(1, rows))])
        if parts.shape == whole.shape and (not whole.is_floating_point() or _close(torch, whole, parts)):
            return parts
        inside.note("batches were not split: the rows of a batch depend on each other")
        return whole

    _outermost.install(torch, split)


def _close(torch: Any, a: Any, b: Any) -> bool:
    scale = a.abs().max()
    return bool(torch.allclose(a, b, rtol=_CLOSE, atol=float(scale) * _CLOSE, equal_nan=True))
