"""Private seeded generators for the numbers; an unseeded one only for how long to wait."""

import random
import time

import numpy as np
import torch
from torch import nn


class FlakyStore:
    """A data store that fails now and then; retried with jittered back-off."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.calls = 0

    def fetch(self, n):
        self.calls += 1
        if self.calls % 4 == 0:
            raise ConnectionError("try again")
        x = self.rng.standard_normal((n, 6)).astype(np.float32)
        return x, np.abs(x).sum(axis=1, keepdims=True)


def with_backoff(function, *args, attempts=5):
    for attempt in range(attempts):
        try:
            return function(*args)
        except ConnectionError:
            time.sleep(random.uniform(0, 0.002) * 2**attempt)
    raise TimeoutError


def main():
    shuffler = random.Random(17)
    generator = torch.Generator().manual_seed(5)
    store = FlakyStore(seed=3)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
    for p in model.parameters():
        nn.init.normal_(p, std=0.2, generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for step in range(25):
        x, y = with_backoff(store.fetch, 32)
        rows = list(range(32))
        shuffler.shuffle(rows)
        loss = nn.functional.mse_loss(model(torch.from_numpy(x[rows])), torch.from_numpy(y[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("loss", loss.item())


if __name__ == "__main__":
    main()
