"""The loader that `reprotest.dataloader` makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from reprotest.errors import UsageError
from reprotest.seeding.derive import derive
from reprotest.seeding.order import Order, Position
from reprotest.seeding.samples import SeededCollate, SeededSamples, SeededStream
from reprotest.seeding.worker import seed_worker

_OF_BATCHES = ("batch_size", "shuffle", "sampler", "drop_last")


class SeededLoader(DataLoader[Any]):
    """A DataLoader that knows its place: see `reprotest.dataloader`.

    Attributes:
        epoch: the epoch that is read, or that the next iteration reads.
        batch: how many batches of it were delivered.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None,
        shuffle: bool,
        *,
        seed: int,
        sampler: Any,
        batch_sampler: Any,
        drop_last: bool,
        num_workers: int,
        collate_fn: Callable[[Any], Any] | None,
        worker_init_fn: Callable[[int], None] | None,
        rank: int,
        world_size: int,
        options: Mapping[str, Any],
    ) -> None:
        if not 0 <= rank < world_size:
            raise UsageError(f"rank {rank} of {world_size}: expected 0 ≤ rank < world_size")
        self._rank = rank
        self._facts = {"seed": seed, "world_size": world_size, "batch_size": batch_size or 1}
        self._draws = torch.Generator()
        self._order: Order | None = None
        self._iterations = 0
        self.batch = 0
        stream = isinstance(dataset, IterableDataset)
        shape: dict[str, Any] = {"batch_size": batch_size, "drop_last": drop_last}
        if stream:
            self._position = Position()
            shape |= {"shuffle": shuffle or None, "sampler": sampler, "batch_sampler": batch_sampler}
            around: Any = SeededStream(dataset, seed, rank)
        else:
            if batch_sampler is not None and (
                batch_size not in (None, 1) or shuffle or sampler is not None or drop_last
            ):
                raise UsageError(f"a batch_sampler takes the place of {', '.join(_OF_BATCHES)}: leave these out")
            if sampler is not None and shuffle:
                raise UsageError("a sampler takes the place of shuffle: leave one of them out")
            source = sampler if batch_sampler is None else batch_sampler
            self._order = Order(
                len(dataset),
                seed=seed,
                shuffle=shuffle,
                rank=rank,
                world_size=world_size,
                source=source,
                batch_size=batch_size if batch_sampler is None else None,
            )
            self._position = self._order.position
            self._facts["samples"] = len(dataset)
            shape = {"batch_sampler": self._order} if batch_sampler is not None else shape | {"sampler": self._order}
            around = SeededSamples(dataset)
        super().__init__(
            around,
            num_workers=num_workers,
            collate_fn=None if collate_fn is None else SeededCollate(collate_fn),
            worker_init_fn=_Init(worker_init_fn),
            generator=self._draws,
            **shape,
            **options,
        )

    @property
    def epoch(self) -> int:
        return self._position.epoch

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch the next iteration reads; without it, the one after the last."""
        if epoch != self.epoch:
            self.batch = 0
        self._position.set_epoch(epoch)

    def __iter__(self) -> Any:
        epoch, start = self._order.bind() if self._order is not None else self._position.begin()
        self._draws.manual_seed(derive(self._facts["seed"], epoch, self._rank, "workers"))
        if isinstance(self.dataset, SeededStream):
            self.dataset.set_epoch(epoch)
        self.batch = start
        batches = super().__iter__()
        if self._order is None:
            for _ in range(start):  # a stream can only be read from its beginning
                next(batches, None)
        self._iterations += 1
        return _Counted(self, batches, self._iterations)

    def state_dict(self) -> dict[str, int]:
        """The position: plain numbers, the same on every rank. To be taken after a step, before the next batch is asked for."""
        return {"epoch": self.epoch, "batch": self.batch, **self._facts}

    def load_state_dict(self, state_dict: Mapping[str, int]) -> None:
        """Go to a position: the next iteration goes on with the epoch's remaining batches, which no sample is read for twice.

        Raises:
            UsageError: the position of another loader: another seed, batch size, number of ranks or samples.
        """
        for name, here in self._facts.items():
            there = state_dict.get(name)
            if there != here:
                raise UsageError(
                    f"the position is of a loader with {name}={there}, and this one has {here}: "
                    "batches would not be those that were left; make the loader as it was"
                )
        self.batch = int(state_dict["batch"])
        self._position.go_to(int(state_dict["epoch"]), self.batch)


class _Counted:
    """One iteration, which tells the loader how far it got."""

    def __init__(self, loader: SeededLoader, batches: Iterator[Any], number: int) -> None:
        self._number = number
        self._loader = loader
        self._batches = batches

    def __iter__(self) -> _Counted:
        return self

    def __next__(self) -> Any:
        loader = self._loader
        current = loader._iterations == self._number
        try:
            batch = next(self._batches)
        except StopIteration:
            if current and loader.batch:
                loader._position.go_to(loader.epoch + 1, 0)
                loader.batch = 0
            raise
        loader.batch += current
        return batch

    def __len__(self) -> int:
        return len(self._loader)


class _Init:
    """What a worker does first: our seeding, then the user's own function."""

    def __init__(self, then: Callable[[int], None] | None) -> None:
        self._then = then

    def __call__(self, worker_id: int) -> None:
        seed_worker(worker_id)
        if self._then is not None:
            self._then(worker_id)
