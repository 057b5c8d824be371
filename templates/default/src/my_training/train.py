"""Fit a small network to a sine; replace it by your training."""

import torch
from torch import nn


def train(steps: int = 50, seed: int = 0) -> float:
    """Train and return the last loss."""
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    inputs = torch.randn(256, 8)
    targets = inputs.sum(dim=1, keepdim=True).sin()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
    return loss.item()


if __name__ == "__main__":
    print(f"loss {train():.6f}")
