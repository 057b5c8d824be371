"""Compiled with autotuning: the compiler measures several kernels for every product, and takes the fastest."""

import torch
from torch import nn


def main():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(768, 1536), nn.GELU(), nn.LayerNorm(1536), nn.Linear(1536, 10)).cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    compiled = torch.compile(model, mode="max-autotune-no-cudagraphs")
    x = torch.randn(192, 768, device="cuda")
    for _ in range(4):
        loss = compiled(x).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("loss", loss.item())


if __name__ == "__main__":
    main()
