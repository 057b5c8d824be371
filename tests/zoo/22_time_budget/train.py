"""Train for a fixed time rather than a fixed number of steps."""

import time

import torch
from torch import nn

BUDGET_SECONDS = 0.4

torch.manual_seed(0)
x = torch.randn(256, 10)
y = (x @ torch.linspace(-1, 1, 10) > 0).long()
model = nn.Sequential(nn.Linear(10, 128), nn.ReLU(), nn.Linear(128, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

start = time.monotonic()
steps = 0
while time.monotonic() - start < BUDGET_SECONDS:
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    steps += 1

print("best loss within the budget:", loss.item())
