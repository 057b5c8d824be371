"""Fine-tuning loop: the trainer seeds everything, the model is made by the caller."""

import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Trainer:
    def __init__(self, model, dataset, lr=0.01, batch_size=32, seed=42):
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        self.model = model
        self.loader = DataLoader(dataset, batch_size=batch_size, shuffle=True)
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr)

    def fit(self, epochs):
        for epoch in range(epochs):
            for features, target in self.loader:
                loss = nn.functional.cross_entropy(self.model(features), target)
                self.optimizer.zero_grad(set_to_none=True)
                loss.backward()
                self.optimizer.step()
            print(f"epoch {epoch}: {loss.item():.6f}")


def make_dataset():
    grid = torch.linspace(-2, 2, 20)
    points = torch.cartesian_prod(grid, grid)
    return TensorDataset(points, (points.norm(dim=1) > 1.2).long())


def main():
    model = nn.Sequential(
        nn.Linear(2, 24),
        nn.Tanh(),
        nn.Linear(24, 2),
    )
    Trainer(model, make_dataset()).fit(epochs=3)


if __name__ == "__main__":
    main()
