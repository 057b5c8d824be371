"""How many worker processes a DataLoader has."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from reprotest.factors import _patch
from reprotest.factors._source import InSource
from reprotest.factors.base import Factor, Inside

_OTHERS = (0, 1, 3)


class DataloaderWorkers(Factor):
    """Each worker has generators of its own, so that random transformations depend on who loads what."""

    id = "dataloader.workers"
    what = "the number of a DataLoader's worker processes, each with random generators of its own"
    fix = "derive the randomness of a sample from its index and the epoch, or keep num_workers fixed and seed with worker_init_fn and generator"
    order = 62
    source = InSource(later=("torch.utils.data.DataLoader",), given=("worker_init_fn", "generator"))

    def watch(self, inside: Inside) -> None:
        inside.on_import("torch.utils.data.dataloader", lambda module: _hold(inside, module))

    def perturb(self, k: int) -> str | None:
        return f"num_workers={_OTHERS[k - 1]}" if 1 <= k <= len(_OTHERS) else None


def _hold(inside: Inside, module: ModuleType) -> None:
    setting = inside.setting(DataloaderWorkers.id)
    if setting is None:
        return  # it is the same in every run of one command
    loader: Any = module.DataLoader
    original = loader.__init__

    @_patch.like(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        site = inside.site()
        variant = setting.variant_at(site)
        if 1 <= variant <= len(_OTHERS):
            args, kwargs = _with_workers(_OTHERS[variant - 1], args, kwargs)
        original(self, *args, **kwargs)
        inside.used(DataloaderWorkers.id, site)

    loader.__init__ = init


def _with_workers(count: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of DataLoader with another `num_workers`, which may also stand in the sixth place."""
    if len(args) > 5:
        return (*args[:5], count, *args[6:]), kwargs
    changed = {**kwargs, "num_workers": count}
    if count == 0:
        for name in ("prefetch_factor", "persistent_workers", "timeout", "multiprocessing_context", "worker_init_fn"):
            changed.pop(name, None)
    return args, changed
