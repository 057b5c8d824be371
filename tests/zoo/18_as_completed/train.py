"""Spectral features are computed in a thread pool, then a classifier is trained on them."""

from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy as np
import torch
from torch import nn

CLIPS = 48


def load_clip(i):
    rng = np.random.default_rng(i)
    seconds = 0.5 + 0.05 * (i % 7)
    t = np.arange(int(16_000 * seconds)) / 16_000
    pitch = 200 if i % 2 else 330
    return np.sin(2 * np.pi * pitch * t) + 0.5 * rng.standard_normal(len(t)), i % 2


def spectrum(i):
    signal, label = load_clip(i)
    power = np.abs(np.fft.rfft(signal, n=16_384)) ** 2
    return np.log(power[:512].reshape(32, 16).mean(axis=1)).astype(np.float32), label


def extract_all():
    features, labels = [], []
    with ThreadPoolExecutor(max_workers=4) as pool:
        futures = [pool.submit(spectrum, i) for i in range(CLIPS)]
        for future in as_completed(futures):
            x, y = future.result()
            features.append(x)
            labels.append(y)
    return torch.from_numpy(np.stack(features)), torch.tensor(labels)


def main():
    torch.manual_seed(0)
    x, y = extract_all()
    x = (x - x.mean(dim=0)) / x.std(dim=0)
    model = nn.Linear(32, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(3):
        for xb, yb in zip(x.split(8), y.split(8)):
            loss = nn.functional.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.8f}")


if __name__ == "__main__":
    main()
