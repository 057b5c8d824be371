"""The order of the data is drawn from seed and epoch, and the epoch begins at 0 again after a resumption."""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, Sampler, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--max-steps", type=int, default=24)
parser.add_argument("--resume-from", default=None)
args = parser.parse_args()


class EpochSampler(Sampler):
    """Shuffles by seed and epoch, as torch's DistributedSampler does."""

    def __init__(self, n: int, seed: int) -> None:
        self.n, self.seed, self.epoch = n, seed, 0

    def __len__(self) -> int:
        return self.n

    def __iter__(self):
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        return iter(torch.randperm(self.n, generator=generator).tolist())


torch.manual_seed(3)
features = torch.randn(64, 6)
targets = features.sum(dim=1, keepdim=True)
sampler = EpochSampler(64, seed=99)
loader = DataLoader(TensorDataset(features, targets), batch_size=8, sampler=sampler)
model = nn.Linear(6, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
step = 0
if args.resume_from:
    checkpoint = torch.load(args.resume_from)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    step = checkpoint["step"]

while step < args.max_steps:
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
        step += 1
        if step >= args.max_steps:
            break
    sampler.epoch += 1
torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, "last.pt")
