"""Train, checkpoint under a time-stamped name, go on from the newest checkpoint."""

import tempfile
import time
from pathlib import Path

import torch
from torch import nn


def make():
    model = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 1))
    return model, torch.optim.Adam(model.parameters(), lr=0.01)


def run_epoch(model, optimizer, x, y):
    for xb, yb in zip(x.split(16), y.split(16)):
        loss = nn.functional.mse_loss(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def main():
    torch.manual_seed(0)
    x = torch.randn(128, 6)
    y = x.pow(2).sum(dim=1, keepdim=True)
    model, optimizer = make()
    with tempfile.TemporaryDirectory() as folder:
        print("epoch 0", run_epoch(model, optimizer, x, y))
        path = Path(folder) / f"checkpoint-{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns()}.pt"
        torch.save(
            {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "saved_at": time.time()},
            path,
        )
        newest = max(Path(folder).glob("checkpoint-*.pt"), key=lambda p: p.stat().st_mtime)
        state = torch.load(newest)
        model, optimizer = make()
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        print("epoch 1", run_epoch(model, optimizer, x, y))


if __name__ == "__main__":
    main()
