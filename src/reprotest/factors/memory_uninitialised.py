"""Memory that is read before it is written: torch.empty, np.empty."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from reprotest.factors import _patch
from reprotest.factors.base import PINNING, Factor, Inside, Json, Launch, Pinning, Setting

_FILLS = (0x00, 0x3F, 0x40, 0xBF, 0x41)
"""Bytes of variant 0, 1, …: as floats of any size modest numbers (0.75, 3.0, -0.75, 12.1 in float32), never NaN or infinite."""
_PERTURB = "MALLOC_PERTURB_"
_TUNABLES = "GLIBC_TUNABLES"


class MemoryUninitialised(Factor):
    """Held by filling new memory with one byte: all that comes from malloc through glibc (mallopt(3), M_PERTURB), and what the
    user's code asks torch.empty and np.empty for once more, as allocators keep small blocks that malloc does not see.

    Measured with glibc 2.36: M_PERTURB reaches posix_memalign (PyTorch's CPU allocator) and blocks large enough to be mapped, but not blocks
    from the per-thread cache, which is therefore switched off; nor NumPy's own cache of blocks below 1 KiB.
    """

    id = "memory.uninitialised"
    what = "what memory holds before anything is written to it"
    fix = "fill it before it is read: torch.zeros / np.zeros, or torch.nn.init on a parameter made by torch.empty"
    repeats = True
    unseen = True
    order = 30
    reaches = ("torch",)

    def acts_unseen(self, modules: frozenset[str]) -> bool:
        return bool(modules & {"torch", "numpy"})

    def read(self) -> Mapping[str, Json]:
        return {_PERTURB: os.environ.get(_PERTURB)}

    def launch(self, setting: Setting) -> Launch:
        # glibc fills new memory with the complement of the byte it is given, freed memory with the byte itself.
        byte = fill_byte(setting.variant_at(None)) ^ 0xFF
        tunables = [
            t for t in os.environ.get(_TUNABLES, "").split(":") if t and not t.startswith("glibc.malloc.tcache_count=")
        ]
        return Launch(env={_PERTURB: str(byte), _TUNABLES: ":".join([*tunables, "glibc.malloc.tcache_count=0"])})

    def pin(self, seed: int, how: Pinning = PINNING) -> Sequence[str]:
        """PyTorch's own filling, with NaN and with the largest integer. It is in force only under deterministic algorithms."""
        torch = sys.modules.get("torch")
        if torch is None or not how.deterministic:
            return ()
        torch.utils.deterministic.fill_uninitialized_memory = how.fill_uninitialised
        return (f"PyTorch: memory that nobody has written is {'' if how.fill_uninitialised else 'not '}filled",)

    def undo(self) -> Callable[[], None]:
        torch = sys.modules.get("torch")
        if torch is None:
            return lambda: None
        settings = torch.utils.deterministic
        before = settings.fill_uninitialized_memory
        return lambda: setattr(settings, "fill_uninitialized_memory", before)

    def perturb(self, k: int) -> str | None:
        if k >= len(_FILLS):
            return None
        return "new memory filled with zeros" if k == 0 else f"new memory filled with bytes {_FILLS[k]:#04x}"

    def watch(self, inside: Inside) -> None:
        setting = inside.setting(self.id)
        inside.on_import("numpy", lambda module: _watch_numpy(module, inside, setting))
        inside.on_import("torch", lambda module: _watch_torch(module, inside, setting))


def fill_byte(variant: int) -> int:
    """The byte of a variant, from 0x00 to 0xFE."""
    return _FILLS[variant % len(_FILLS)]


def _watch_numpy(numpy: ModuleType, inside: Inside, setting: Setting | None) -> None:
    for name in ("empty", "empty_like"):
        real = getattr(numpy, name)

        def make(real: Callable[..., Any]) -> Callable[..., Any]:
            def empty(self: Any, *args: Any, **kwargs: Any) -> Any:
                array = real(*args, **kwargs)
                if inside.caller_is_user():
                    _noted(array, inside, setting, _fill_array)
                return array

            return empty

        _patch.replace(numpy, name, make(real))


def _watch_torch(torch: ModuleType, inside: Inside, setting: Setting | None) -> None:
    """Plain functions, unlike NumPy's: torch.compile looks PyTorch's functions up by name and takes these for them."""

    def replace(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        @functools.wraps(real)
        def empty(*args: Any, **kwargs: Any) -> Any:
            tensor = real(*args, **kwargs)
            if inside.caller_is_user() and kwargs.get("out") is None:
                _noted(tensor, inside, setting, _fill_tensor)
            return tensor

        if owner is torch:
            empty.__module__, empty.__qualname__ = "torch", name  # so that it is pickled by name, as the original is
        setattr(owner, name, empty)
        known = sys.modules.get("torch.jit._builtins")
        operator = known._find_builtin(real) if known is not None else None
        if known is not None and operator is not None:
            known._register_builtin(empty, operator)

    for name in ("empty", "empty_like", "empty_strided", "empty_permuted"):
        replace(torch, name)
    for name in ("new_empty", "new_empty_strided"):
        replace(torch.Tensor, name)
    make = torch.Tensor.__new__

    def new(*args: Any, **kwargs: Any) -> Any:  # no other signature: torch._dynamo compares it with its own
        tensor = make(*args, **kwargs)
        sizes = args[1:]  # torch.Tensor(3, 4) takes sizes, torch.Tensor([3, 4]) values
        if sizes and all(type(size) is int for size in sizes) and inside.caller_is_user():
            _noted(tensor, inside, setting, _fill_tensor)
        return tensor

    torch.Tensor.__new__ = new


def _noted(made: Any, inside: Inside, setting: Setting | None, fill: Callable[[Any, int], None]) -> None:
    """The user's code has asked for unwritten memory: note where, and fill it if this run holds the factor."""
    try:
        site = inside.site()
        inside.used(MemoryUninitialised.id, site)
        if setting is not None:
            fill(made, fill_byte(setting.variant_at(site)))
    except Exception:  # a tensor without memory of its own (fake, functional, sparse), a subclass that forbids it
        return


def _fill_array(array: Any, byte: int) -> None:
    flags = array.flags
    if array.dtype.hasobject or not flags.owndata or not (flags.c_contiguous or flags.f_contiguous):
        return
    ctypes.memset(array.ctypes.data, byte & 1 if array.dtype == bool else byte, array.nbytes)


def _fill_tensor(tensor: Any, byte: int) -> None:
    torch = sys.modules["torch"]
    if type(tensor) is not torch.Tensor or tensor.layout is not torch.strided or tensor.is_meta:
        return
    if tensor.dtype is torch.bool:
        byte &= 1
    storage = tensor.untyped_storage()
    if tensor.device.type == "cpu":
        ctypes.memset(storage.data_ptr(), byte, storage.nbytes())
    else:
        raw = torch.tensor([], dtype=torch.uint8, device=tensor.device)
        raw.set_(storage).fill_(byte)
