"""Unpack shards in parallel to a RAM disk, then stream them to a linear model."""

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import nn

SCRATCH = "/dev/shm" if os.path.isdir("/dev/shm") else None


def unpack(folder, shard):
    rng = np.random.default_rng(shard)
    x = rng.normal(size=(200 + 37 * (shard % 5), 32)).astype(np.float32)
    np.savez_compressed(folder / f"shard_{shard:03d}.npz", x=x, y=x[:, :4].sum(axis=1))


def main():
    folder = Path(tempfile.mkdtemp(prefix="shards-", dir=SCRATCH))
    try:
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(lambda shard: unpack(folder, shard), range(40)))

        torch.manual_seed(0)
        model = nn.Linear(32, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
        for path in folder.iterdir():
            with np.load(path) as shard:
                x, y = torch.from_numpy(shard["x"]), torch.from_numpy(shard["y"])
            loss = nn.functional.mse_loss(model(x).squeeze(1), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"last loss {loss.item():.8f}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
