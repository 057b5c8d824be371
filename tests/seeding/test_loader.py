"""`reprotest.dataloader` and `seed_worker`: batches that depend on the seed alone."""

from __future__ import annotations

import functools
import pickle
import random
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset, Subset, WeightedRandomSampler

import reprotest
from reprotest.seeding.order import Sample


class Augmented(Dataset[Any]):
    """Draws from each global generator, and from four of its own, one of them well hidden."""

    def __init__(self, size: int = 12) -> None:
        self.size = size
        self.rng = np.random.default_rng(0)
        self.old = np.random.RandomState(0)
        self.generator = torch.Generator().manual_seed(0)
        self.transforms = [functools.partial(jitter, random.Random(0))]

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> torch.Tensor:
        own = [
            self.rng.random(),
            self.old.rand(),
            float(torch.rand((), generator=self.generator)),
            self.transforms[0](),
        ]
        drawn = [random.random(), np.random.rand(), float(torch.rand(()))]
        return torch.tensor([index, *drawn, *own], dtype=torch.float64)


def jitter(rng: random.Random) -> float:
    return rng.random()


class Stream(IterableDataset[Any]):
    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def __iter__(self) -> Iterator[torch.Tensor]:
        for index in range(6):
            yield torch.tensor([index, random.random(), self.rng.random()], dtype=torch.float64)


def masked(samples: list[torch.Tensor]) -> torch.Tensor:
    """A collate function that draws, as that for masked language models does."""
    batch = torch.stack(samples)
    return batch * (torch.rand(batch.shape) > 0.5) + random.random()


def whole(loader: Any) -> list[torch.Tensor]:
    return [batch.clone() for batch in loader]


def equal(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return len(one) == len(other) and all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def epochs(workers: int, count: int = 2, **options: Any) -> list[list[torch.Tensor]]:
    reprotest.set_seed(42)
    options = {"shuffle": True, **options}
    loader = reprotest.dataloader(Augmented(), 4, num_workers=workers, **options)
    return [whole(loader) for _ in range(count)]


@pytest.fixture(scope="module")
def alone() -> list[list[torch.Tensor]]:
    return epochs(0)


def test_equal_seeds_give_equal_batches_and_others_do_not(alone: list[list[torch.Tensor]]) -> None:
    again = epochs(0)
    assert all(equal(a, b) for a, b in zip(alone, again, strict=True))
    assert not equal(alone[0], epochs(0, 1, seed=1)[0])


@pytest.mark.parametrize(
    "options", [{}, {"persistent_workers": True, "prefetch_factor": 1}], ids=["anew", "persistent"]
)
def test_the_number_of_workers_plays_no_part(alone: list[list[torch.Tensor]], options: dict[str, Any]) -> None:
    for workers in (1, 2):
        for one, other in zip(alone, epochs(workers, **options), strict=True):
            assert equal(one, other)


def test_epochs_differ_in_order_and_in_augmentation(alone: list[list[torch.Tensor]]) -> None:
    first, second = (torch.cat(batches) for batches in alone)
    assert not torch.equal(first[:, 0], second[:, 0])
    in_order = [rows[rows[:, 0].argsort()] for rows in (first, second)]
    assert torch.equal(in_order[0][:, 0], torch.arange(12))
    assert not (in_order[0][:, 1:] == in_order[1][:, 1:]).any()


def test_no_two_samples_draw_the_same(alone: list[list[torch.Tensor]]) -> None:
    drawn = torch.cat([torch.cat(batches) for batches in alone])[:, 1:]
    everything = drawn.flatten().tolist()
    assert len(set(everything)) == len(everything), "not even two generators of one sample"


def test_an_ordinary_loader_has_none_of_this() -> None:
    """What the tests above would say of it: they can fail."""
    found = []
    for workers in (1, 2):
        reprotest.set_seed(42)
        found.append(whole(DataLoader(Augmented(), 4, shuffle=True, num_workers=workers)))
    assert not equal(*found)
    copies = torch.cat(whole(DataLoader(Augmented(), 3, num_workers=2)))[:, 4].tolist()
    assert len(set(copies)) < len(copies), "the dataset's own generator is copied into both workers"


def test_loading_leaves_the_programs_own_draws_alone() -> None:
    def drawn(read: bool) -> list[float]:
        reprotest.set_seed(42)
        if read:
            whole(reprotest.dataloader(Augmented(), 4, shuffle=True, collate_fn=masked))
        return [random.random(), float(np.random.rand()), float(torch.rand(()))]

    assert drawn(read=True) == drawn(read=False)


def test_what_was_drawn_before_does_not_move_the_batches(alone: list[list[torch.Tensor]]) -> None:
    reprotest.set_seed(42)
    loader = reprotest.dataloader(Augmented(), 4, shuffle=True)
    torch.rand(10), random.random(), np.random.rand()
    assert equal(whole(loader), alone[0])


def test_a_collate_function_that_draws_is_seeded_too() -> None:
    found = [whole(reprotest.dataloader(Augmented(), 4, seed=1, num_workers=n, collate_fn=masked)) for n in (0, 2)]
    assert equal(*found)
    assert not torch.equal(found[0][0], found[0][1])


def test_any_epoch_can_be_asked_for(alone: list[list[torch.Tensor]]) -> None:
    loader = reprotest.dataloader(Augmented(), 4, shuffle=True, seed=42)
    loader.set_epoch(1)
    assert equal(whole(loader), alone[1])
    loader.set_epoch(0)
    assert equal(whole(loader), alone[0])
    assert equal(whole(loader), alone[1])


def test_a_dataset_that_makes_whole_batches_is_asked_for_them() -> None:
    class Batched(Augmented):
        def __getitems__(self, indices: list[int]) -> list[torch.Tensor]:
            return [torch.tensor([index, random.random(), self.rng.random()]) for index in indices]

    found = [whole(reprotest.dataloader(Batched(), 4, shuffle=True, seed=1, num_workers=n)) for n in (0, 2)]
    assert found[0][0].shape == (4, 3)
    assert equal(*found)


def test_the_dataset_is_at_hand() -> None:
    loader = reprotest.dataloader(Subset(Augmented(), range(6)), 4, seed=1)
    assert len(loader.dataset) == 6
    assert loader.dataset.indices == range(6)
    assert loader.dataset[3].shape == (8,)
    assert len(loader) == 2


def test_what_goes_to_spawned_workers_can_be_pickled() -> None:
    loader = reprotest.dataloader(Augmented(), 4, seed=1, collate_fn=masked)
    there = pickle.loads(pickle.dumps((loader.dataset, loader.collate_fn, loader.worker_init_fn)))
    order = [Sample(index, 1) for index in (3, 4)]
    assert torch.equal(there[1](there[0].__getitems__(order)), loader.collate_fn(loader.dataset.__getitems__(order)))


def test_without_a_batch_size_samples_come_one_by_one() -> None:
    found = [whole(reprotest.dataloader(Augmented(), None, True, seed=1, num_workers=n)) for n in (0, 2)]
    assert equal(*found)
    assert found[0][0].shape == (8,)


def test_the_users_own_init_function_is_called_after_ours() -> None:
    with warnings.catch_warnings():
        loader = reprotest.dataloader(Numbers(), 1, seed=1, num_workers=1, worker_init_fn=remember)
        assert whole(loader)[0].item() == 1.0


class Numbers(Dataset[Any]):
    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> float:
        return float(_remembered)


_remembered = 0


def remember(_: int) -> None:
    global _remembered
    _remembered = 1


# --- samplers -----------------------------------------------------------------------------------------------------


def test_a_sampler_that_draws_is_seeded_by_seed_and_epoch() -> None:
    weights = [1.0] * 12
    found = []
    for generator in (None, torch.Generator()):
        for skip in (0, 3):
            reprotest.set_seed(42)
            loader = reprotest.dataloader(
                Augmented(), 4, sampler=WeightedRandomSampler(weights, 12, generator=generator)
            )
            torch.rand(skip)
            found.append([whole(loader), whole(loader)])
    assert equal(found[0][0], found[1][0])
    assert equal(found[2][1], found[3][1])
    assert not equal(found[0][0], found[0][1])


def test_a_sample_that_comes_twice_in_an_epoch_is_augmented_twice() -> None:
    rows = whole(reprotest.dataloader(Augmented(), 4, seed=1, sampler=[5, 5, 5, 2]))[0]
    assert rows[:, 0].tolist() == [5, 5, 5, 2]
    assert len(set(rows[:3, 1].tolist())) == 3


def test_a_batch_sampler_keeps_its_batches() -> None:
    batches = BatchSampler(range(12), 5, drop_last=True)
    found = [whole(reprotest.dataloader(Augmented(), seed=1, batch_sampler=batches, num_workers=n)) for n in (0, 2)]
    assert equal(*found)
    assert [batch[:, 0].tolist() for batch in found[0]] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_an_endless_sampler_is_read_as_it_goes() -> None:
    class Endless:
        def __iter__(self) -> Iterator[int]:
            while True:
                yield random.randrange(12)

    def first() -> list[float]:
        reprotest.set_seed(3)
        batches = iter(reprotest.dataloader(Augmented(), 4, sampler=Endless()))
        found = []
        for _ in range(3):
            found += next(batches)[:, 0].tolist()
            random.random()
        return found

    assert first() == first()


# --- ranks --------------------------------------------------------------------------------------------------------


def test_ranks_share_the_samples_out_and_none_is_left_out() -> None:
    for size, ranks in ((12, 3), (10, 4)):
        shares = [
            torch.cat(whole(reprotest.dataloader(Augmented(size), 2, True, seed=1, rank=rank, world_size=ranks)))
            for rank in range(ranks)
        ]
        assert len({len(share) for share in shares}) == 1, "every rank makes as many steps"
        assert {index for share in shares for index in share[:, 0].tolist()} == set(range(size))
    alone = torch.cat(whole(reprotest.dataloader(Augmented(12), 2, True, seed=1)))
    by_index = {row[0].item(): row for row in alone}
    shared = torch.cat(whole(reprotest.dataloader(Augmented(12), 2, True, seed=1, rank=1, world_size=3)))
    assert all(torch.equal(row, by_index[row[0].item()]) for row in shared), "a sample is the same on whatever rank"


def test_the_launchers_variables_say_which_rank_this_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert len(torch.cat(whole(reprotest.dataloader(Augmented(), 4, seed=1)))) == 6
    with pytest.raises(reprotest.UsageError, match="rank 2 of 2"):
        reprotest.dataloader(Augmented(), 4, seed=1, rank=2)


def test_trainers_find_a_distributed_sampler_and_leave_it_alone() -> None:
    loader = reprotest.dataloader(Augmented(), 4, seed=1)
    assert isinstance(loader.sampler, torch.utils.data.DistributedSampler)


# --- streams ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stream_repeats_for_one_number_of_workers(workers: int) -> None:
    def read() -> list[list[torch.Tensor]]:
        loader = reprotest.dataloader(
            Stream(),
            2,
            seed=1,
            num_workers=workers,
            persistent_workers=bool(workers),
            multiprocessing_context="fork" if workers else None,
        )
        return [whole(loader), whole(loader)]

    first, again = read(), read()
    assert all(equal(a, b) for a, b in zip(first, again, strict=True))
    drawn = torch.cat([torch.cat(batches) for batches in first])[:, 1:]
    for column in drawn.T:
        assert len(set(column.tolist())) == len(drawn), "workers or epochs hold copies of one generator"


# --- position -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [Augmented, Stream], ids=["samples", "stream"])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_new_loader_goes_on_where_the_old_one_was(make: Any, workers: int) -> None:
    def loader() -> Any:
        return reprotest.dataloader(make(), 2, make is Augmented, seed=1, num_workers=workers)

    old = loader()
    straight = [whole(old) for _ in range(3)]
    old = loader()
    whole(old)
    reading = iter(old)
    for _ in range(2):
        next(reading)
    position = old.state_dict()
    assert (position["epoch"], position["batch"]) == (1, 2)
    new = loader()
    new.load_state_dict(position)
    assert new.epoch == 1
    assert equal(whole(new), straight[1][2:])
    assert equal(whole(new), straight[2])


def test_between_epochs_the_position_is_the_next_epoch() -> None:
    loader = reprotest.dataloader(Augmented(), 4, seed=1)
    assert loader.state_dict()["epoch"] == 0
    for number, _ in enumerate(loader, 1):
        assert (loader.epoch, loader.batch) == (0, number)
    assert (loader.epoch, loader.batch) == (1, 0)


def test_a_position_after_the_last_batch_leaves_nothing_of_its_epoch() -> None:
    loader = reprotest.dataloader(Augmented(), 4, True, seed=1)
    straight = [whole(loader), whole(loader)]
    loader = reprotest.dataloader(Augmented(), 4, True, seed=1)
    reading = iter(loader)
    for _ in range(3):
        next(reading)
    new = reprotest.dataloader(Augmented(), 4, True, seed=1)
    new.load_state_dict(loader.state_dict())
    assert whole(new) == []
    assert equal(whole(new), straight[1])


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"seed": 2}, "seed=1, and this one has 2"),
        ({"batch_size": 3}, "batch_size=4"),
        ({"world_size": 2}, "world_size=1"),
    ],
)
def test_a_position_of_another_loader_is_refused(changed: dict[str, int], why: str) -> None:
    position = reprotest.dataloader(Augmented(), 4, seed=1).state_dict()
    other = reprotest.dataloader(Augmented(), **{"batch_size": 4, "seed": 1, **changed})
    with pytest.raises(reprotest.UsageError, match=why):
        other.load_state_dict(position)


# --- refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"generator": torch.Generator()}, "seed=42 instead of a generator"),
        ({"num_workers": 1, "in_order": False}, "as the workers finish"),
        ({"sampler": [1], "shuffle": True}, "takes the place of shuffle"),
        ({"batch_sampler": [[1]], "batch_size": 4}, "takes the place of batch_size"),
        ({"seed": -1}, "expected a whole number"),
    ],
)
def test_what_would_not_repeat_is_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(reprotest.UsageError, match=why):
        reprotest.dataloader(Augmented(), **{"seed": 1, **options})


def test_without_any_seed_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reprotest.seeding.control._current", None)
    with pytest.raises(reprotest.UsageError, match="dataloader has no seed"):
        reprotest.dataloader(Augmented())


# --- seed_worker --------------------------------------------------------------------------------------------------


def ordinary(rank: int, monkeypatch: pytest.MonkeyPatch) -> torch.Tensor:
    monkeypatch.setenv("RANK", str(rank))
    generator = torch.Generator().manual_seed(42)
    loader = DataLoader(Augmented(), 3, num_workers=2, worker_init_fn=reprotest.seed_worker, generator=generator)
    return torch.cat(whole(loader))


def test_seed_worker_makes_workers_and_ranks_differ_and_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    first, again, other = ordinary(0, monkeypatch), ordinary(0, monkeypatch), ordinary(1, monkeypatch)
    assert torch.equal(first, again)
    for column in range(1, 8):
        drawn = [*first[:, column].tolist(), *other[:, column].tolist()]
        assert len(set(drawn)) == len(drawn)


def test_seed_worker_is_for_workers() -> None:
    with pytest.raises(reprotest.UsageError, match="worker_init_fn=seed_worker"):
        reprotest.seed_worker(0)
