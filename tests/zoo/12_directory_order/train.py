"""Train on a folder of saved arrays, one file per class."""

import os

import numpy as np
import torch
from torch import nn

DATA = "data"


def prepare(n_classes=12, per_class=20):
    rng = np.random.default_rng(0)
    os.makedirs(DATA, exist_ok=True)
    for k in range(n_classes):
        centre = rng.normal(size=6)
        samples = centre + 0.3 * rng.normal(size=(per_class, 6))
        np.save(os.path.join(DATA, f"class_{k:02d}.npy"), samples.astype(np.float32))


def load():
    features, labels = [], []
    for label, name in enumerate(os.listdir(DATA)):
        samples = np.load(os.path.join(DATA, name))
        features.append(torch.from_numpy(samples))
        labels.append(torch.full((len(samples),), label))
    return torch.cat(features), torch.cat(labels)


if __name__ == "__main__":
    if not os.path.isdir(DATA):
        prepare()
    torch.manual_seed(1)
    x, y = load()
    model = nn.Linear(6, int(y.max()) + 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for step in range(30):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("loss", loss.item())
