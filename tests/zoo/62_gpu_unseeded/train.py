"""The CPU generator gets a seed, the GPU's does not."""

import torch
from torch import nn


def main():
    torch.default_generator.manual_seed(0)  # not torch.manual_seed, which seeds every device
    model = nn.Linear(16, 4).cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        loss = model(torch.randn(32, 16, device="cuda")).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("loss", loss.item())


if __name__ == "__main__":
    main()
