"""Loader workers with the documented recipe: generator and worker_init_fn seeded."""

import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class NoisyWaves(Dataset):
    def __len__(self):
        return 128

    def __getitem__(self, index):
        phase = random.random()
        t = np.arange(24) / 24
        wave = np.sin(2 * np.pi * ((1 + index % 3) * t + phase)) + np.random.normal(0, 0.1, 24)
        return torch.from_numpy(wave).float() + 0.01 * torch.randn(24), index % 3


def seed_worker(worker_id):
    worker_seed = torch.initial_seed() % 2**32
    np.random.seed(worker_seed)
    random.seed(worker_seed)


def main():
    torch.manual_seed(0)
    generator = torch.Generator()
    generator.manual_seed(0)
    loader = DataLoader(
        NoisyWaves(),
        batch_size=16,
        shuffle=True,
        num_workers=2,
        worker_init_fn=seed_worker,
        generator=generator,
        persistent_workers=True,
    )
    model = nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(2):
        for waves, labels in loader:
            loss = nn.functional.cross_entropy(model(waves), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.6f}")


if __name__ == "__main__":
    main()
