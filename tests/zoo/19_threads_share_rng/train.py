"""Augment images in a thread pool; the generator is seeded and shared."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

rng = np.random.default_rng(0)


def augment(image):
    """Random shift, contrast and noise, on an enlarged copy."""
    big = np.kron(image, np.ones((24, 24)))
    big = np.roll(big, rng.integers(-12, 13, size=2), axis=(0, 1))
    big = np.sqrt(big) * rng.uniform(0.5, 1.5)
    small = big.reshape(8, 24, 8, 24).mean(axis=(1, 3))
    return small + rng.normal(0, 0.1, size=(8, 8))


def main():
    torch.manual_seed(0)
    digits = load_digits()
    images, labels = digits.images[:480] / 16.0, torch.from_numpy(digits.target[:480])
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with ThreadPoolExecutor(max_workers=4) as pool:
        for start in range(0, len(images), 60):
            batch = list(pool.map(augment, images[start : start + 60]))
            x = torch.from_numpy(np.stack(batch)).float()
            loss = nn.functional.cross_entropy(model(x), labels[start : start + 60])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print("loss", loss.item())


if __name__ == "__main__":
    main()
