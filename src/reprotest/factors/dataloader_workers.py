"""How many worker processes a DataLoader has, how it keeps them, and what it draws for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reprotest.factors import _patch
from reprotest.factors._source import InSource
from reprotest.factors.base import Factor, Inside, Seen

_COUNTS = (0, 1, 3)
_PERSISTENT, _PREFETCH, _NO_DRAW = len(_COUNTS) + 1, len(_COUNTS) + 2, len(_COUNTS) + 3
_LABELS = {
    **{k: f"num_workers={count}" for k, count in enumerate(_COUNTS, start=1)},
    _PERSISTENT: "persistent_workers switched over",
    _PREFETCH: "another prefetch_factor",
    _NO_DRAW: "loaders without shuffling draw nothing from the global generator",
}


class DataloaderWorkers(Factor):
    """Each worker has generators of its own, so that random transformations depend on who loads what, and for how long it lives.

    A loader draws the seed of its workers from PyTorch's global generator every time it is gone through, workers or not: so a validation
    loader moves the training on to other random numbers (pytorch#80119).
    """

    id = "dataloader.workers"
    what = "the number of a DataLoader's worker processes, each with random generators of its own"
    fix = "derive the randomness of a sample from its index and the epoch, or keep num_workers fixed and seed with worker_init_fn and generator"
    likely = True
    order = 62
    source = InSource(later=("torch.utils.data.DataLoader",), given=("worker_init_fn", "generator"))

    def watch(self, inside: Inside) -> None:
        if inside.setting(self.id) is not None:  # left alone, it is the same in every run of one command
            inside.on_import("torch.utils.data.dataloader", lambda module: _Loaders(inside, module).install())

    def perturb(self, k: int) -> str | None:
        return _LABELS.get(k)

    def may_fail(self, variant: int) -> bool:
        return True

    def usual(self, seen: Seen) -> str:
        counts = sorted({loader["num_workers"] for loader in _loaders(seen)})
        return "num_workers=" + ", ".join(map(str, counts)) if counts else "as it is"

    def variations(self, seen: Seen) -> Sequence[int] | str:
        loaders = _loaders(seen)
        if not loaders:
            return "no DataLoader was made"
        counts = {loader["num_workers"] for loader in loaders}
        found = [k for k, count in enumerate(_COUNTS, start=1) if counts != {count}]
        if counts != {0}:
            found += [_PERSISTENT, _PREFETCH]
        if any(loader["in_order"] for loader in loaders):
            found.append(_NO_DRAW)
        return found


def _loaders(seen: Seen) -> list[dict[str, Any]]:
    return [loader for told in seen.told for loader in told]


class _Loaders:
    """The DataLoaders of one process."""

    def __init__(self, inside: Inside, module: Any) -> None:
        setting = inside.setting(DataloaderWorkers.id)
        assert setting is not None
        self._inside = inside
        self._setting = setting
        self._module = module
        self._told: list[dict[str, Any]] = []

    def install(self) -> None:
        loader, told = self._module.DataLoader, self._tell
        original, setting, inside = loader.__init__, self._setting, self._inside

        @_patch.like(original)
        def init(self: Any, *args: Any, **kwargs: Any) -> None:
            site = inside.site()
            args, kwargs = _changed(setting.variant_at(site), args, kwargs)
            original(self, *args, **kwargs)
            inside.used(DataloaderWorkers.id, site)
            told(self)

        loader.__init__ = init
        if self._setting.variant == _NO_DRAW:
            self._draw_nothing()

    @_patch.harmless
    def _tell(self, loader: Any) -> None:
        facts = {"num_workers": loader.num_workers, "in_order": self._draws_needlessly(loader)}
        if facts not in self._told:
            self._told.append(facts)
            self._inside.put(DataloaderWorkers.id, self._told)

    def _draws_needlessly(self, loader: Any) -> bool:
        return type(loader.sampler) is self._module.SequentialSampler and loader.generator is None

    def _draw_nothing(self) -> None:
        """The same seed for the workers, from a copy of the global generator."""
        iterator, needless = self._module._BaseDataLoaderIter, self._draws_needlessly
        original, torch = iterator.__init__, self._module.torch

        @_patch.like(original)
        def init(self: Any, loader: Any, *args: Any, **kwargs: Any) -> None:
            if not needless(loader):
                original(self, loader, *args, **kwargs)
                return
            copy = torch.Generator()
            copy.set_state(torch.default_generator.get_state())
            loader.generator = copy
            try:
                original(self, loader, *args, **kwargs)
            finally:
                loader.generator = None

        iterator.__init__ = init


def _changed(variant: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of DataLoader as a variant wants them; `num_workers` may also stand in the sixth place."""
    if 1 <= variant <= len(_COUNTS):
        count = _COUNTS[variant - 1]
        if len(args) > 5:
            return (*args[:5], count, *args[6:]), kwargs
        changed = {**kwargs, "num_workers": count}
        if count == 0:
            for name in (
                "prefetch_factor", "persistent_workers", "timeout", "multiprocessing_context", "worker_init_fn"
            ):  # fmt: skip
                changed.pop(name, None)
        return args, changed
    workers = args[5] if len(args) > 5 else kwargs.get("num_workers", 0)
    if workers and variant == _PERSISTENT:
        return args, {**kwargs, "persistent_workers": not kwargs.get("persistent_workers", False)}
    if workers and variant == _PREFETCH:
        return args, {**kwargs, "prefetch_factor": 1 if (kwargs.get("prefetch_factor") or 2) > 1 else 4}
    return args, kwargs
