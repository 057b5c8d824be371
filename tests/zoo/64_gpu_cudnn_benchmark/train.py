"""Convolutions of unusual sizes, for which the fastest algorithm is not the one that cuDNN would take unasked."""

import torch
from torch import nn


def main():
    torch.manual_seed(0)
    torch.backends.cudnn.deterministic = True
    model = nn.Sequential(
        nn.Conv2d(3, 48, 7, stride=2, padding=3), nn.ReLU(), nn.Conv2d(48, 96, 5, padding=2), nn.ReLU(),
        nn.Conv2d(96, 40, 3, padding=2, dilation=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(40, 10),
    ).cuda()  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    images = torch.randn(24, 3, 113, 113, device="cuda")
    labels = torch.randint(0, 10, (24,), device="cuda")
    for _ in range(6):
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("loss", loss.item())


if __name__ == "__main__":
    main()
