"""Noisy SGD (DP-SGD style) on a deep narrow network with frozen and trainable groups."""

import torch
from torch import nn

torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, width)
        self.down = nn.Linear(width, width)

    def forward(self, x):
        return x + self.down(torch.tanh(self.up(self.norm(x))))


model = nn.Sequential(nn.Linear(4, 8), *[Block(8) for _ in range(60)], nn.Linear(8, 1))

frozen = set(model[-1].parameters())
trainable = {p for p in model.parameters() if p not in frozen}

x = torch.linspace(-1, 1, 64).reshape(16, 4)
y = x.sum(dim=1, keepdim=True).sin()

lr, clip, noise = 0.05, 1.0, 1e-2
for step in range(6):
    loss = nn.functional.mse_loss(model(x), y)
    model.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), clip)
    with torch.no_grad():
        for p in trainable:
            p -= lr * (p.grad + noise * torch.randn_like(p))
    print(f"step {step} loss {loss.item():.7f}")
