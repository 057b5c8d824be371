"""Turns torch.compile on for programs that do without it, and off for those that use it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from types import ModuleType
from typing import Any

from reprotest.factors import _outermost
from reprotest.factors.base import SCRATCH

ON = {
    "TORCHINDUCTOR_CACHE_DIR": f"{SCRATCH}/inductor",
    "TRITON_CACHE_DIR": f"{SCRATCH}/triton",
    "TORCHINDUCTOR_COMPILE_THREADS": "1",
}
"""What is compiled stays below `.reprotest/`; no pool of processes is started for the few kernels that there are."""
OFF = {"TORCHDYNAMO_DISABLE": "1"}


def can_compile() -> bool:
    """Is there a compiler for what TorchInductor writes? On a CPU that is C++."""
    return any(shutil.which(name) for name in ("g++", "clang++", "c++"))


def turn_on(torch: ModuleType) -> None:
    """Compile every model (the module that is called from outside of all modules) before its first call."""

    def compiled(module: Any, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if module._compiled_call_impl is None and not isinstance(module, torch.jit.ScriptModule):
            module.compile()
        return call(*args, **kwargs)

    _outermost.install(torch, compiled)


def tell(torch: Any, said: Callable[[], None]) -> None:
    """Call `said` when the program compiles something."""
    original = torch.compile

    def compile(*args: Any, **kwargs: Any) -> Any:
        said()
        return original(*args, **kwargs)

    compile.__doc__, compile.__module__, compile.__wrapped__ = original.__doc__, "torch", original  # type: ignore[attr-defined]
    torch.compile = compile
