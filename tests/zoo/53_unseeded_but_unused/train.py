"""Unseeded draws that never reach the model: a dashboard colour, a sampled log line, a shuffled to-do list."""

import random

import numpy as np
import torch
from torch import nn

COLOUR = "#%06x" % random.randrange(2**24)
greeting_rng = np.random.default_rng()


class MetricLog:
    """Keeps a random sample of the steps, so that the log stays small."""

    def __init__(self, rate):
        self.rate, self.lines = rate, []

    def write(self, step, value):
        if np.random.rand() < self.rate:
            self.lines.append((step, value))


def main():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(200, 7, generator=generator)
    y = x[:, :1] - x[:, 1:2] ** 2
    model = nn.Linear(7, 1)
    nn.init.zeros_(model.bias)
    nn.init.orthogonal_(model.weight, generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    log = MetricLog(rate=0.3)
    for step in range(30):
        rows = torch.randint(0, 200, (20,), generator=generator)
        loss = nn.functional.smooth_l1_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        log.write(step, loss.item())
    print("hello" if greeting_rng.random() < 0.5 else "good day", COLOUR, len(log.lines), "lines kept")


if __name__ == "__main__":
    main()
