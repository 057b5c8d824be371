"""A small real training run that repeats bit for bit: two spirals told apart by a two-layer network.

With PyTorch where it is installed, else with NumPy alone. Two runs that differ here mean that this machine, or the way
its packages were built, does not compute the same thing twice.
"""

from __future__ import annotations

import importlib.util

import numpy as np

import reprotest

SEED = 7
STEPS = 60
HIDDEN = 64


def spirals(n: int = 1024) -> tuple[np.ndarray, np.ndarray]:
    """Two interleaved spirals: points (n, 2) float32 and their class (n,) int64."""
    rng = np.random.default_rng(SEED)
    label = rng.integers(0, 2, n)
    radius = rng.uniform(0.1, 1.0, n)
    angle = 1.5 * np.pi * radius + np.pi * label
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return (points + rng.normal(0, 0.02, points.shape)).astype(np.float32), label


def train_torch() -> float:
    """Train with PyTorch. Returns the last loss."""
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    points, label = (torch.from_numpy(part) for part in spirals())
    model = nn.Sequential(nn.Linear(2, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 2))
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    loader = DataLoader(
        TensorDataset(points, label), batch_size=128, shuffle=True, generator=torch.Generator().manual_seed(SEED)
    )
    loss = torch.tensor(float("nan"))
    step = 0
    while step < STEPS:
        for batch, target in loader:
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(model(batch), target)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            step += 1
            if step == STEPS:
                break
    return loss.item()


def train_numpy() -> float:
    """Train with NumPy: one hidden layer, gradients by hand. Returns the last loss."""
    points, label = spirals()
    rng = np.random.default_rng(SEED)
    w1 = rng.normal(0, 1.0, (2, HIDDEN)).astype(np.float32)
    w2 = rng.normal(0, 0.1, (HIDDEN, 1)).astype(np.float32)
    target = label[:, None].astype(np.float32)
    loss = float("nan")
    for step in range(STEPS):
        rows = rng.permutation(len(points))[:128]
        hidden = np.tanh(points[rows] @ w1)
        probability = 1 / (1 + np.exp(-(hidden @ w2)))
        error = (probability - target[rows]) / len(rows)
        loss = float(-np.mean(np.log(np.where(target[rows] == 1, probability, 1 - probability) + 1e-7)))
        g2 = hidden.T @ error
        g1 = points[rows].T @ ((error @ w2.T) * (1 - hidden**2))
        w1 -= g1
        w2 -= g2
        if step % 10 == 9:
            reprotest.observe("loss", loss)
    reprotest.observe("first layer", w1)
    reprotest.observe("second layer", w2)
    return loss


def main() -> None:
    """Train, and print the last loss."""
    loss = train_torch() if importlib.util.find_spec("torch") else train_numpy()
    print(f"loss after {STEPS} steps: {loss:.6f}")


if __name__ == "__main__":
    main()
