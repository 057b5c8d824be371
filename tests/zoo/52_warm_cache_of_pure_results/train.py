"""Kernels are cached on disc under a hash of their arguments; a second run finds them there."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import torch
from torch import nn

CACHE = Path(os.environ.get("KERNEL_CACHE", "kernel_cache"))


def gabor(size, theta):
    half = size // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    rotated = x * np.cos(theta) + y * np.sin(theta)
    return np.exp(-(x**2 + y**2) / (2.0 * half)) * np.cos(1.5 * rotated)


def cached_gabor(**arguments):
    key = hashlib.sha1(json.dumps(arguments, sort_keys=True).encode()).hexdigest()[:16]
    path = CACHE / f"{key}.npy"
    if not path.exists():
        CACHE.mkdir(exist_ok=True)
        np.save(path, gabor(**arguments))
    return np.load(path)


def main():
    torch.manual_seed(0)
    filters = np.stack([cached_gabor(size=5, theta=k * np.pi / 4) for k in range(4)])
    convolution = nn.Conv2d(1, 4, 5)
    with torch.no_grad():
        convolution.weight.copy_(torch.from_numpy(filters)[:, None])
    model = nn.Sequential(convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    stripes = torch.sin(torch.arange(16) * 0.9).repeat(16, 1)
    for step in range(10):
        images = torch.stack([stripes, stripes.T]) + 0.2 * torch.randn(2, 16, 16)
        loss = nn.functional.cross_entropy(model(images[:, None]), torch.tensor([0, 1]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("loss", loss.item())


if __name__ == "__main__":
    main()
