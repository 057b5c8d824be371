"""Train an autoencoder; 'seed: null' in the config means take one from the clock."""

import time

import torch
from torch import nn

CONFIG = {"seed": None, "hidden": 6, "lr": 0.02, "epochs": 25}


def resolve_seed(seed):
    if seed is None:
        seed = int(time.time() * 1000) % 2**32
    print("using seed", seed)
    return seed


def train(config):
    torch.manual_seed(resolve_seed(config["seed"]))
    data = torch.eye(12).repeat(4, 1)
    model = nn.Sequential(nn.Linear(12, config["hidden"]), nn.Sigmoid(), nn.Linear(config["hidden"], 12))
    optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])
    for epoch in range(config["epochs"]):
        loss = nn.functional.binary_cross_entropy_with_logits(model(data), data)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


if __name__ == "__main__":
    print("final loss", train(CONFIG))
