"""Feature extraction by threads that fill disjoint rows of one array."""

import threading

import numpy as np
import torch
from torch import nn

WINDOWS, WORKERS = 64, 4


def fill(features, rows):
    for row in rows:
        signal = np.random.default_rng(row).standard_normal(4096)
        power = np.abs(np.fft.rfft(signal * np.hanning(4096))) ** 2
        features[row] = np.log(power[1:2049].reshape(16, 128).mean(axis=1))


def main():
    torch.manual_seed(0)
    features = np.empty((WINDOWS, 16))
    threads = [
        threading.Thread(target=fill, args=(features, range(worker, WINDOWS, WORKERS))) for worker in range(WORKERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    x = torch.from_numpy(features).float()
    y = x.mean(dim=1, keepdim=True) * 2 - 1
    model = nn.Sequential(nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=5)

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        return loss

    for step in range(4):
        loss = optimizer.step(closure)
        print(f"step {step}: {loss.item():.8f}")


if __name__ == "__main__":
    main()
