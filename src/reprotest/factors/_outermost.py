"""Finds the outermost call of a PyTorch module: the model as a whole, whoever calls it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from reprotest.factors import _patch

Call = Callable[..., Any]


def install(torch: ModuleType, instead: Callable[[Any, Call, tuple[Any, ...], dict[str, Any]], Any]) -> None:
    """Have `instead(module, call, args, kwargs)` called in the place of every outermost `call(*args, **kwargs)` of a module.

    Calls within that call, by whichever module, are left alone. Other implementations of `__call__` (ScriptModule's) are not reached.
    """
    kind: Any = torch.nn.Module
    original = kind.__call__
    within = threading.local()
    compiling = torch.compiler.is_compiling

    @_patch.like(original)
    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
        if compiling() or getattr(within, "yes", False):
            return original(self, *args, **kwargs)
        within.yes = True
        try:
            return instead(self, original.__get__(self), args, kwargs)
        finally:
            within.yes = False

    kind.__call__ = __call__
