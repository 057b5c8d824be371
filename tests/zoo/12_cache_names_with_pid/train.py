"""Two passes: the first writes feature chunks to a cache, the second trains on whatever is in there."""

import glob
import os
import tempfile

import numpy as np
import torch
from torch import nn


def extract(cache, chunks=16):
    prefix = f"{os.getpid()}"
    for i in range(chunks):
        t = np.linspace(i, i + 1, 50, dtype=np.float32)
        features = np.stack([np.sin(t), np.cos(2 * t), t % 0.3], axis=1)
        np.save(os.path.join(cache, f"features-{prefix}-{i:03d}.npy"), features)


def chunks(cache):
    for path in glob.glob(os.path.join(cache, "features-*.npy")):
        yield torch.from_numpy(np.load(path))


def main():
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = torch.optim.Adam(encoder.parameters(), lr=0.01)
    with tempfile.TemporaryDirectory() as cache:
        extract(cache)
        for epoch in range(2):
            for features in chunks(cache):
                loss = nn.functional.mse_loss(encoder(features), features)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    print("reconstruction loss", loss.item())


if __name__ == "__main__":
    main()
