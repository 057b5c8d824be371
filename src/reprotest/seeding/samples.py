"""A dataset whose every sample is made from generators seeded for that sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from reprotest.seeding.derive import Drawing, Private, derive, reseed
from reprotest.seeding.held import Held
from reprotest.seeding.order import Sample


class Batch(list[Any]):
    """Samples of one batch, and the seed of what is drawn while they are put together."""

    seed: int = 0


class _Around:
    """Stands before a dataset; its attributes are the dataset's."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self._held = Held(dataset)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("dataset", "_held"):  # asked for while it is unpickled
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __len__(self) -> int:
        return len(self.dataset)


class SeededSamples(_Around, Dataset[Any]):
    """A map-style dataset. Asked for a plain index it hands on what the dataset says."""

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, Sample):
            return self.dataset[key]
        with _block() as begin:
            return self._make(begin, key)

    def __getitems__(self, keys: Sequence[Any]) -> Batch:
        """A whole batch, as PyTorch's workers ask for it. A dataset that makes a batch at once draws from one seed for the batch."""
        seeds = [key.seed for key in keys]
        with _block() as begin:
            if getattr(self.dataset, "__getitems__", None):
                begin(derive(seeds))
                self._held.reseed(derive(seeds))
                batch = Batch(self.dataset.__getitems__([key.index for key in keys]))
            else:
                batch = Batch(self._make(begin, key) for key in keys)
        batch.seed = derive(seeds, "batch")
        return batch

    def _make(self, begin: Callable[[int], None], key: Sample) -> Any:
        begin(key.seed)
        self._held.reseed(key.seed)
        return self.dataset[key.index]


class SeededStream(_Around, IterableDataset[Any]):
    """An iterable dataset: each iteration draws from a stream of its own, by seed, epoch, rank and worker."""

    def __init__(self, dataset: Any, seed: int, rank: int) -> None:
        super().__init__(dataset)
        self._seed = seed, rank
        self._epoch = torch.zeros(1, dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]
        """Shared with workers that outlive an epoch."""

    def set_epoch(self, epoch: int) -> None:
        self._epoch[0] = epoch
        if hasattr(self.dataset, "set_epoch"):
            self.dataset.set_epoch(epoch)

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        seed = derive(*self._seed, int(self._epoch[0]), worker.id if worker is not None else 0)
        self._held.reseed(seed)
        private = Private(seed)
        with private:
            stream = iter(self.dataset)
        while True:
            with private:
                try:
                    sample = next(stream)
                except StopIteration:
                    return
            yield sample


class SeededCollate:
    """A collate function that draws (masking, mixing of samples) from generators seeded for its batch."""

    def __init__(self, collate: Callable[[Any], Any]) -> None:
        self.collate = collate
        self._held = Held(collate)

    def __call__(self, samples: Any) -> Any:
        if not isinstance(samples, Batch):
            return self.collate(samples)
        with _block() as begin:
            begin(samples.seed)
            self._held.reseed(samples.seed)
            return self.collate(list(samples))


def _block() -> Any:
    """In a worker nothing else draws, so nothing needs to be put back."""
    return Drawing() if get_worker_info() is None else nullcontext(reseed)
