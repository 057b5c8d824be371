"""`dataloader`: the same batches for the same seed, whatever the number of workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reprotest.errors import UsageError
from reprotest.seeding.control import checked_seed, current_seed
from reprotest.seeding.derive import place

if TYPE_CHECKING:
    from reprotest.seeding.loader import SeededLoader


def dataloader(
    dataset: Any,
    batch_size: int | None = 1,
    shuffle: bool = False,
    *,
    seed: int | None = None,
    sampler: Any = None,
    batch_sampler: Any = None,
    drop_last: bool = False,
    num_workers: int = 0,
    collate_fn: Callable[[Any], Any] | None = None,
    worker_init_fn: Callable[[int], None] | None = None,
    rank: int | None = None,
    world_size: int | None = None,
    **options: Any,
) -> SeededLoader:
    """A `torch.utils.data.DataLoader` whose batches depend on the seed alone: not on workers, nor on what else the program draws.

    The order of an epoch comes from the seed and the epoch's number; before each sample all generators (Python's, NumPy's and PyTorch's
    global ones, and those that the dataset holds) are seeded from seed, epoch and index, and afterwards, in the main process, put
    back. So augmentation is the same for any `num_workers`, differs from epoch to epoch, and leaves the training's generators alone.
    Every new iteration is the next epoch, unless `set_epoch` said which. Ranks share the samples out as `DistributedSampler` does.

    Args:
        dataset, batch_size, shuffle, sampler, batch_sampler, drop_last, num_workers, collate_fn, worker_init_fn, options: as for
            DataLoader. A sampler of your own draws from generators seeded by seed and epoch.
        seed: 0 ≤ seed < 2**32; the seed of the last `set_seed` when None.
        rank, world_size: this process among those that share the samples; by default what torch.distributed, or else the variables
            RANK and WORLD_SIZE, say. Pass 0 and 1 where something else, such as accelerate, shares them out.

    Returns:
        The loader. Its `state_dict()` is the position in the data (epoch and batch), which `load_state_dict` goes to.

    Raises:
        UsageError: no seed, an option that would make batches depend on who is fastest, or a generator besides the seed.
    """
    if seed is None:
        seed = current_seed()
        if seed is None:
            raise UsageError("dataloader has no seed: call reprotest.set_seed(42) before, or pass seed=42")
    if options.pop("generator", None) is not None:
        raise UsageError("dataloader takes seed=42 instead of a generator: all that it draws is derived from that")
    if num_workers and not options.get("in_order", True):
        raise UsageError(
            "in_order=False delivers batches as the workers finish: leave it out, or use an ordinary DataLoader"
        )
    own_rank, ranks = place()
    from reprotest.seeding.loader import SeededLoader

    return SeededLoader(
        dataset,
        batch_size,
        shuffle,
        seed=checked_seed(seed),
        sampler=sampler,
        batch_sampler=batch_sampler,
        drop_last=drop_last,
        num_workers=num_workers,
        collate_fn=collate_fn,
        worker_init_fn=worker_init_fn,
        rank=own_rank if rank is None else rank,
        world_size=ranks if world_size is None else world_size,
        options=options,
    )
