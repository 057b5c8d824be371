"""Splat a point cloud into a density grid, fit a small network to the occupied cells."""

import torch
from torch import nn

RESOLUTION = 24


def point_cloud(n, generator):
    angle = 6.2832 * torch.rand(n, generator=generator)
    radius = 0.6 + 0.2 * torch.rand(n, generator=generator)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)


def splat(points, weights):
    cells = ((points + 1) / 2 * RESOLUTION).long().clamp(0, RESOLUTION - 1)
    grid = torch.zeros(RESOLUTION, RESOLUTION)
    grid.index_put_((cells[:, 0], cells[:, 1]), weights, accumulate=True)
    return grid / weights.sum()


def main():
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    model = nn.Sequential(nn.Linear(RESOLUTION**2, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    for step in range(8):
        points = point_cloud(400_000, generator)
        weights = torch.rand(len(points), generator=generator)
        density = splat(points, weights)
        target = (weights * points[:, 0].abs()).mean()
        loss = (model(density.flatten() * 100).squeeze() - target) ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step}: loss {loss.item():.9f}")


if __name__ == "__main__":
    main()
