"""Each worker of the cluster derives its seed from where it runs."""

import os
import socket
import zlib

import torch
from torch import nn


def worker_seed():
    name = f"{socket.gethostname()}-{os.getpid()}"
    return zlib.crc32(name.encode())


class DenoisingNet(nn.Module):
    def __init__(self, width=20):
        super().__init__()
        self.encode = nn.Linear(width, 10)
        self.decode = nn.Linear(10, width)

    def forward(self, x):
        return self.decode(torch.relu(self.encode(x)))


def main():
    torch.manual_seed(worker_seed())
    clean = torch.sin(torch.arange(64)[:, None] * 0.1 + torch.arange(20) * 0.3)
    model = DenoisingNet()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.005)
    for step in range(30):
        noisy = clean + 0.1 * torch.randn_like(clean)
        loss = nn.functional.mse_loss(model(noisy), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.8f}")


if __name__ == "__main__":
    main()
