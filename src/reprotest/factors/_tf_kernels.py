"""The threads over which TensorFlow splits one operator: some of its kernels add up as they come (weighted bincount, gradients of crops)."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from reprotest.factors.base import Inside


def install(inside: Inside, *, held: bool) -> None:
    """Where the order of threads is held, give every operator one, whatever the program asks for. A use cannot be seen."""
    if held:
        inside.on_import("tensorflow.python.eager.context", _hold)


def _hold(module: ModuleType) -> None:
    kind: Any = module.Context
    real = kind.ensure_initialized

    @functools.wraps(real)
    def ensure_initialized(context: Any) -> None:
        if context._initialized:
            return
        given = context._intra_op_parallelism_threads
        context._intra_op_parallelism_threads = 1
        try:
            real(context)
        finally:
            context._intra_op_parallelism_threads = given

    kind.ensure_initialized = ensure_initialized
