"""Hogwild: several threads update one model without locks."""

import threading

import torch
from torch import nn

WORKERS = 4


def shard(rank, n=256):
    generator = torch.Generator().manual_seed(rank)
    x = torch.randn(n, 16, generator=generator)
    return x, (x[:, :3].prod(dim=1) > 0).float()


def train(rank, model, epochs=4):
    x, y = shard(rank)
    for _ in range(epochs):
        for start in range(0, len(x), 32):
            xb, yb = x[start : start + 32], y[start : start + 32]
            loss = nn.functional.binary_cross_entropy_with_logits(model(xb).squeeze(1), yb)
            gradients = torch.autograd.grad(loss, list(model.parameters()))
            with torch.no_grad():
                for p, g in zip(model.parameters(), gradients):
                    p.sub_(0.1 * g)


def main():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 1))
    threads = [threading.Thread(target=train, args=(rank, model)) for rank in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    x, y = shard(99)
    with torch.no_grad():
        loss = nn.functional.binary_cross_entropy_with_logits(model(x).squeeze(1), y)
    print("held-out loss", loss.item())


if __name__ == "__main__":
    main()
