"""Batches are drawn with a torch.Generator that nobody seeds: its default seed is fixed."""

import torch
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, TensorDataset


def main():
    torch.manual_seed(0)
    x = torch.randn(256, 5)
    y = x.prod(dim=1, keepdim=True)
    dataset = TensorDataset(x, y)
    sampler = RandomSampler(dataset, replacement=True, num_samples=256, generator=torch.Generator())
    loader = DataLoader(dataset, batch_size=32, sampler=sampler)
    noise = torch.Generator()
    model = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(2):
        for xb, yb in loader:
            jitter = 0.05 * torch.randn(xb.shape, generator=noise)
            loss = nn.functional.mse_loss(model(xb + jitter), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: {loss.item():.8f}")


if __name__ == "__main__":
    main()
