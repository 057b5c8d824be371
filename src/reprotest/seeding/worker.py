"""`seed_worker`: what a worker process of an ordinary DataLoader needs before its first sample."""

from __future__ import annotations

import sys

from reprotest.errors import UsageError
from reprotest.seeding.derive import derive, place, reseed
from reprotest.seeding.held import Held


def seed_worker(worker_id: int) -> None:
    """Seed a DataLoader's worker process: `DataLoader(…, worker_init_fn=reprotest.seed_worker, generator=…)`.

    PyTorch seeds itself and Python in a worker, and newer versions NumPy too. This seeds all of them, and the generators that the
    dataset holds, from the loader's seed, the worker's number and the process's rank; so workers differ from each other, and ranks
    whose loaders have equal seeds do too. Which worker draws what still depends on their number; `reprotest.dataloader` does not.

    Args:
        worker_id: the worker's number, which the loader passes.

    Raises:
        UsageError: called outside of a worker process.
    """
    torch = sys.modules.get("torch")
    info = torch.utils.data.get_worker_info() if torch is not None else None
    if info is None:
        raise UsageError(
            "seed_worker was called outside of a DataLoader's worker: pass it on, DataLoader(…, worker_init_fn=seed_worker)"
        )
    seed = derive(info.seed, worker_id, place()[0])
    reseed(seed)
    Held(info.dataset).reseed(seed)
