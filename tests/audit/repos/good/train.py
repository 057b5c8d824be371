import argparse

import torch
import yaml
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from seeding import seed_everything, seed_worker


def batches(generator, config):
    inputs = torch.randn(64, 8)
    data = TensorDataset(inputs, inputs.sum(dim=1, keepdim=True))
    return DataLoader(
        data,
        batch_size=config["training"]["batch_size"],
        shuffle=True,
        num_workers=2,
        worker_init_fn=seed_worker,
        generator=generator,
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default="configs/baseline.yaml")
    with open(parser.parse_args().config) as file:
        config = yaml.safe_load(file)
    generator = seed_everything(config["seed"])
    model = nn.Linear(8, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(config["training"]["epochs"]):
        for x, y in batches(generator, config):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
    print(f"loss {loss.item():.6f}")


if __name__ == "__main__":
    main()
