"""Stop in the middle of an epoch and go on: everything is in the checkpoint, and what was read is skipped."""

import argparse
import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=15)
parser.add_argument("--resume", action="store_true")
args = parser.parse_args()

random.seed(5)
np.random.seed(5)
torch.manual_seed(5)
features = torch.randn(48, 10)
targets = features[:, :1] * features[:, 1:2]
model = nn.Sequential(nn.Linear(10, 24), nn.BatchNorm1d(24), nn.Dropout(0.2), nn.Linear(24, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=15)
step, generators = 0, None
if args.resume:
    saved = torch.load("state.pt", weights_only=False)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    scheduler.load_state_dict(saved["scheduler"])
    step, generators = saved["step"], saved["generators"]


def loader_of(epoch: int) -> DataLoader:
    generator = torch.Generator().manual_seed(1000 + epoch)
    return DataLoader(TensorDataset(features, targets), batch_size=8, shuffle=True, generator=generator)


while step < args.steps:
    epoch, done = divmod(step, 6)
    for number, (x, y) in enumerate(loader_of(epoch)):
        if number < done:
            continue
        if generators is not None:
            torch.set_rng_state(generators["torch"])
            np.random.set_state(generators["numpy"])
            random.setstate(generators["python"])
            generators = None
        x = x + 0.01 * torch.from_numpy(np.random.standard_normal(x.shape)).float()
        if random.random() < 0.5:
            x = -x
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        scheduler.step()
        step += 1
        if step == args.steps:
            break

state = {"torch": torch.get_rng_state(), "numpy": np.random.get_state(), "python": random.getstate()}
torch.save(
    {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "step": step,
        "generators": state,
    },
    "state.pt",
)
