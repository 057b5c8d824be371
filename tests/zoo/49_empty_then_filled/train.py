"""Buffers are allocated uninitialised and written before they are read."""

import numpy as np
import torch
from torch import nn


class RunningStatistics(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.scale = nn.Parameter(torch.empty(width))
        self.shift = nn.Parameter(torch.empty(width))
        self.register_buffer("total", torch.empty(width))
        self.reset()

    def reset(self):
        nn.init.ones_(self.scale)
        nn.init.zeros_(self.shift)
        self.total.zero_()

    def forward(self, x):
        if self.training:
            self.total += x.detach().sum(dim=0)
        return x * self.scale + self.shift


def make_batches(n=30, size=24):
    batches = np.empty((n, size, 8), dtype=np.float32)
    rng = np.random.RandomState(0)
    for i in range(n):
        batches[i] = rng.rand(size, 8)
    return torch.from_numpy(batches)


def main():
    torch.manual_seed(0)
    model = nn.Sequential(RunningStatistics(8), nn.Linear(8, 8))
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.05)
    out = torch.empty(24, 8)
    for x in make_batches():
        torch.cumsum(x, dim=1, out=out)
        loss = nn.functional.l1_loss(model(x), out)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("loss", loss.item(), "sum", model[0].total.sum().item())


if __name__ == "__main__":
    main()
