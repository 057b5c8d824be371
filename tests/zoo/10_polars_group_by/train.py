"""Per-customer features with polars, then a linear model trained by SGD."""

import polars as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load_orders(n=6000):
    rows = range(n)
    return pl.DataFrame(
        {
            "customer": [f"c{(i * 7919) % 211:03d}" for i in rows],
            "amount": [float((i * 31) % 97) / 10 for i in rows],
            "items": [1 + i % 5 for i in rows],
            "returned": [i % 11 == 0 for i in rows],
        }
    )


def build_features(orders):
    return orders.group_by("customer").agg(
        pl.col("amount").mean().alias("mean_amount"),
        pl.col("amount").std().alias("std_amount"),
        pl.col("items").sum().alias("items"),
        pl.col("returned").mean().alias("return_rate"),
    )


def main():
    torch.manual_seed(0)
    table = build_features(load_orders())
    x = torch.tensor(table.select("mean_amount", "std_amount", "items").to_numpy(), dtype=torch.float32)
    x = (x - x.mean(0)) / x.std(0)
    y = torch.tensor(table["return_rate"].to_numpy(), dtype=torch.float32)

    loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(3):
        for features, target in loader:
            loss = nn.functional.mse_loss(model(features).squeeze(1), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} last loss {loss.item():.8f}")


if __name__ == "__main__":
    main()
