"""Noise drawn on the GPU, more of it than its threads take at once: which thread draws what depends on how many processors it has."""

import torch
from torch import nn


def main():
    torch.manual_seed(0)
    model = nn.Linear(4, 1, bias=False).cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        noise = torch.randn(1_000_000, 4, device="cuda")
        loss = model(noise[:64]).sum(dim=1).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("loss", loss.item())


if __name__ == "__main__":
    main()
