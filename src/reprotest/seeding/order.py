"""In which order a loader reads its samples: by seed and epoch, from a position on, each index with the seed of its sample."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch.utils.data import DistributedSampler

from reprotest.seeding.derive import Drawing, Private, derive
from reprotest.seeding.held import Held


class Sample(NamedTuple):
    """An index on its way to a worker."""

    index: Any
    seed: int


class Position:
    """Which epoch is read, and from which batch on."""

    def __init__(self) -> None:
        self.epoch = 0
        self.start = 0
        self._fresh = True
        """The epoch has not begun: the next iteration is of this one, not of the following one."""

    def begin(self) -> tuple[int, int]:
        """An iteration begins: its epoch and first batch."""
        if not self._fresh:
            self.epoch, self.start = self.epoch + 1, 0
        self._fresh = False
        start, self.start = self.start, 0
        return self.epoch, start

    def set_epoch(self, epoch: int) -> None:
        """The next iteration is of this epoch. Told of the epoch that a resumed loader stands in, it keeps its place."""
        if epoch != self.epoch:
            self.start = 0
        self.epoch, self._fresh = epoch, True

    def go_to(self, epoch: int, start: int) -> None:
        self.epoch, self.start, self._fresh = epoch, start, True


class Order(DistributedSampler[Any]):
    """The samples of one rank. A DistributedSampler, so that trainers neither replace it nor share its samples out again.

    Args:
        size: number of samples of the dataset.
        source: the user's own sampler (of indices, or of whole batches) instead of all indices.
        batch_size: how many of the source's items make a batch; None: an item is one.
    """

    def __init__(
        self,
        size: int,
        *,
        seed: int,
        shuffle: bool,
        rank: int,
        world_size: int,
        source: Iterable[Any] | None,
        batch_size: int | None,
    ) -> None:
        super().__init__(range(size), world_size, rank, shuffle=shuffle, seed=seed)  # type: ignore[arg-type]
        self.position = Position()
        self._source = source
        self._own_shares = isinstance(source, DistributedSampler)
        self._batch_size = batch_size or 1
        self._bound: tuple[int, int] | None = None

    @property
    def epoch(self) -> int:
        return self.position.epoch

    @epoch.setter
    def epoch(self, value: int) -> None:
        if hasattr(self, "position"):
            self.position.epoch = value

    def set_epoch(self, epoch: int) -> None:
        self.position.set_epoch(epoch)

    def bind(self) -> tuple[int, int]:
        """Begin an iteration now; the samples of it are asked for later. Returns epoch and first batch."""
        self._bound = self.position.begin()
        return self._bound

    def __iter__(self) -> Iterator[Any]:
        # Begins when the first index is asked for: loaders make iterators that they never read.
        epoch, start = self._bound or self.position.begin()
        self._bound = None
        yield from self._samples(epoch, start * self._batch_size)

    def __len__(self) -> int:
        if self._source is None:
            return self.num_samples
        size = len(self._source)  # type: ignore[arg-type]  # a sampler without a length raises TypeError, as DataLoader expects
        return size if self._own_shares else math.ceil(size / self.num_replicas)

    def _samples(self, epoch: int, skip: int) -> Iterator[Any]:
        seen: Counter[Any] | None = None if self._source is None else Counter()
        for number, index in enumerate(self._indices(epoch)):
            if isinstance(index, list | tuple) and self._source is not None:  # a whole batch
                sample = [Sample(one, self._seed_of(epoch, one, seen)) for one in index]
                if number >= skip:
                    yield sample
            elif number >= skip or seen is not None:
                one = Sample(index, self._seed_of(epoch, index, seen))
                if number >= skip:
                    yield one

    def _seed_of(self, epoch: int, index: Any, seen: Counter[Any] | None) -> int:
        """Where samples may come twice in an epoch, the second time is another one."""
        if seen is None:
            return derive(self.seed, epoch, index)
        key = repr(index)
        seen[key] += 1
        return derive(self.seed, epoch, index, seen[key]) if seen[key] > 1 else derive(self.seed, epoch, index)

    def _indices(self, epoch: int) -> Iterable[Any]:
        if self._source is None:
            whole: list[Any] | range = range(len(self.dataset))  # type: ignore[arg-type]
            if self.shuffle:
                generator = torch.Generator()
                generator.manual_seed(derive(self.seed, epoch, "order"))
                whole = torch.randperm(len(whole), generator=generator).tolist()
            return self._share(whole)
        if hasattr(self._source, "set_epoch"):
            self._source.set_epoch(epoch)
        seed = derive(self.seed, epoch, "order")
        Held(self._source).reseed(seed)
        if not hasattr(self._source, "__len__"):
            return self._lazily(seed)
        with Drawing() as begin:
            begin(seed)
            drawn = [_plain(one) for one in self._source]
        return drawn if self._own_shares else self._share(drawn)

    def _lazily(self, seed: int) -> Iterator[Any]:
        """An endless sampler, whose draws go on apart from the program's."""
        private, source = Private(seed), iter(self._source or ())
        number = 0
        while True:
            with private:
                try:
                    index = _plain(next(source))
                except StopIteration:
                    return
            if number % self.num_replicas == self.rank:
                yield index
            number += 1

    def _share(self, whole: list[Any] | range) -> list[Any] | range:
        """This rank's part, as many for each rank: as in DistributedSampler, the first ones come twice where they do not share out."""
        if self.num_replicas == 1 or not whole:
            return whole
        each = math.ceil(len(whole) / self.num_replicas)
        padded = [whole[at % len(whole)] for at in range(each * self.num_replicas)]
        return padded[self.rank :: self.num_replicas]


def _plain(index: Any) -> Any:
    """Tensors of one number as that number, so that equal indices have equal seeds."""
    return index.item() if isinstance(index, torch.Tensor) and index.ndim == 0 else index
