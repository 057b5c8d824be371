"""A training that saves everything, and on being asked forgets some of it when it resumes."""

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=2)
parser.add_argument("--resume", action="store_true")
parser.add_argument("--lose", default="")
args = parser.parse_args()
lose = args.lose.split(",")

np.random.seed(0)
torch.manual_seed(0)
x = torch.randn(32, 8)
loader = DataLoader(TensorDataset(x, x[:, :1] * 2), batch_size=8, shuffle=True)
model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Dropout(0.2), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
start = 0
if args.resume:
    saved = torch.load("last.pt", weights_only=False)
    weights = saved["model"]
    if "buffers" in lose:
        weights = {name: value for name, value in weights.items() if "running" not in name}
    model.load_state_dict(weights, strict=False)
    if "optimizer" not in lose:
        optimizer.load_state_dict(saved["optimizer"])
    if "scheduler" not in lose:
        scheduler.load_state_dict(saved["scheduler"])
    if "torch" not in lose:
        torch.set_rng_state(saved["torch"])
    if "numpy" not in lose:
        np.random.set_state(saved["numpy"])
    start = saved["epoch"]
for epoch in range(start, args.epochs):
    for inputs, targets in loader:
        inputs = inputs + 0.01 * torch.from_numpy(np.random.standard_normal(inputs.shape)).float()
        optimizer.zero_grad()
        nn.functional.mse_loss(model(inputs), targets).backward()
        optimizer.step()
        scheduler.step()
    torch.save(
        {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
            "torch": torch.get_rng_state(),
            "numpy": np.random.get_state(),
            "epoch": epoch + 1,
        },
        "last.pt",
    )
