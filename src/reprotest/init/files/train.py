"""Train a small network on a made-up task; replace the data and the model by yours."""

import torch
from torch import nn
from torch.utils.data import TensorDataset

import reprotest


def make_data(samples: int) -> TensorDataset:
    """Points and the sine of their sum. What is drawn here is the same in every run, since the seed is set by then."""
    inputs = torch.randn(samples, 8)
    return TensorDataset(inputs, inputs.sum(dim=1, keepdim=True).sin())


def main() -> None:
    config = reprotest.load_config("configs/baseline.yaml", argv=True)
    reprotest.set_seed(config.seed)  # first of all: before data and model are made

    loader = reprotest.dataloader(make_data(config.data.samples), config.training.batch_size, shuffle=True)
    model = nn.Sequential(nn.Linear(8, config.model.hidden), nn.Tanh(), nn.Linear(config.model.hidden, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=config.training.learning_rate)

    for epoch in range(config.training.epochs):
        total = 0.0
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(inputs), targets)
            loss.backward()
            optimizer.step()
            total += loss.item()
        reprotest.observe("mean loss", total / len(loader))  # compared between runs; outside of one it does nothing
        print(f"epoch {epoch + 1}: loss {total / len(loader):.4f}")


if __name__ == "__main__":
    main()
