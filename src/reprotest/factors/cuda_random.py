"""PyTorch's CUDA generators, one per device, which start from a random seed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from reprotest.factors import _gpu, _patch
from reprotest.factors.base import PINNING, Factor, Inside, Json, Pinning, Seen


class CudaRandom(Factor):
    """The default generators of all CUDA devices until `torch.cuda.manual_seed_all` (which `torch.manual_seed` calls too)."""

    id = "cuda.random"
    what = "what PyTorch draws on a GPU, which differs in every process until it is seeded"
    fix = "call torch.manual_seed(seed), which seeds every GPU too, before anything is drawn on a GPU"
    repeats = True
    order = 12
    reaches = ("torch",)

    def watch(self, inside: Inside) -> None:
        def install(torch: ModuleType) -> None:
            if _built_for_gpus(torch):
                _Watch(inside, torch).install()

        inside.on_import("torch", install)

    def read(self) -> Mapping[str, Json]:
        torch = sys.modules.get("torch")
        return {"devices": torch.cuda.device_count() if torch is not None and torch.cuda.is_initialized() else None}

    def pin(self, seed: int, how: Pinning = PINNING) -> Sequence[str]:
        torch = sys.modules.get("torch")
        if torch is None or not _built_for_gpus(torch):
            return ()
        torch.cuda.manual_seed_all(seed)
        if (
            not torch.cuda.is_initialized()
        ):  # asking for devices would start CUDA, after which the process must not fork
            return (f"CUDA: the generators of all devices will be seeded with {seed} when CUDA starts",)
        return (f"CUDA: the generators of all {torch.cuda.device_count()} devices seeded with {seed}",)

    def unpinned(self, how: Pinning = PINNING) -> Sequence[str]:
        torch = sys.modules.get("torch")
        if torch is None or not torch.cuda.is_initialized():
            return ()
        drawn = [i for i, generator in enumerate(torch.cuda.default_generators) if generator.get_offset() > 0]
        if not drawn:
            return ()
        return (f"CUDA: something was drawn on device {', '.join(map(str, drawn))} before this; seed first of all",)

    def state(self) -> Any:
        torch = sys.modules.get("torch")
        return None if torch is None or not torch.cuda.is_initialized() else torch.cuda.get_rng_state_all()

    def restore(self, state: Any) -> None:
        torch = sys.modules["torch"]
        there = torch.cuda.device_count()
        if len(state) != there:
            raise ValueError(f"the state is of {len(state)} CUDA devices, and there are {there}")
        torch.cuda.set_rng_state_all(state)

    def variations(self, seen: Seen) -> Sequence[int] | str:
        if not _gpu.is_there():
            return "no GPU"
        return super().variations(seen) if "torch" in seen.modules else "PyTorch is not used"

    def perturb(self, k: int) -> str | None:
        return "another seed for the CUDA generators" if k == 1 else None


def _built_for_gpus(torch: Any) -> bool:
    return torch.version.cuda is not None or torch.version.hip is not None


class _Watch:
    """Watches one process's CUDA generators, and gives them their setting."""

    def __init__(self, inside: Inside, torch: ModuleType) -> None:
        self._inside = inside
        self._cuda: Any = torch.cuda
        self._kind: Any = torch._C.Generator
        self._setting = inside.setting(CudaRandom.id)
        self._noted = False
        self._seeding = False
        """Inside of `torch.cuda.seed`, which asks the generators one by one."""
        self._seeded: set[int] = set()
        """Devices that somebody seeded; -1: all of them."""

    def install(self) -> None:
        if self._setting is not None:
            self._cuda.manual_seed_all(self._pinned(None))  # CUDA carries it out once it is initialised
        for name in ("manual_seed", "manual_seed_all"):
            self._note_seeding(name)
        for name in ("seed", "seed_all"):
            self._hold_seed(name)
        # torch.random comes first in the list of factors and has replaced this method already; ours goes round that one.
        _patch.patch_type(self._kind, "seed", self._generator_seed(self._kind.seed))
        self._inside.at_exit(self._look)

    def _pinned(self, site: str | None) -> int:
        return int.from_bytes(self._inside.stream(CudaRandom.id, site, 8), "little") >> 1

    @_patch.harmless
    def _look(self) -> None:
        """Has a device that nobody seeded drawn anything? Its counter-based generator says how far it got."""
        if self._noted or not self._cuda.is_initialized() or -1 in self._seeded:
            return
        for index, generator in enumerate(self._cuda.default_generators):
            if index not in self._seeded and generator.get_offset() > 0:
                self._noted = True
                self._inside.used(CudaRandom.id, None)
                return

    def _note_seeding(self, name: str) -> None:
        for module in (self._cuda, self._cuda.random):
            original = getattr(module, name)

            @_patch.like(original)
            def seed(value: int, original: Callable[[int], None] = original) -> None:
                self._look()
                one = name == "manual_seed" and self._cuda.is_initialized()
                self._seeded.add(self._cuda.current_device() if one else -1)
                original(value)

            setattr(module, name, seed)

    def _hold_seed(self, name: str) -> None:
        """`torch.cuda.seed` takes a seed from the system."""
        for module in (self._cuda, self._cuda.random):
            original = getattr(module, name)

            @_patch.like(original)
            def seed(original: Callable[[], None] = original) -> None:
                site = self._inside.site()
                self._inside.used(CudaRandom.id, site)
                if self._setting is not None:
                    getattr(self._cuda, f"manual_{name}")(self._pinned(site))
                    return
                self._seeding = True
                try:
                    original()
                finally:
                    self._seeding = False

            setattr(module, name, seed)

    def _generator_seed(self, original: Callable[..., int]) -> Callable[..., int]:
        @_patch.like(original)
        def seed(generator: Any) -> int:
            if generator.device.type != "cuda" or self._seeding:
                return original(generator)
            site = self._inside.site()
            self._inside.used(CudaRandom.id, site)
            if self._setting is None:
                return original(generator)
            value = self._pinned(site)
            generator.manual_seed(value)
            return value

        return seed
