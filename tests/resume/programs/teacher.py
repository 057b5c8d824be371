"""A student that is kept near the average of its own weights, which the checkpoint lacks."""

import copy
import sys

import torch
from torch import nn

torch.manual_seed(2)
inputs = torch.randn(64, 4)
student = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(student.parameters(), 1e-2)
start, end = 0, 4 if "--half" in sys.argv else 8
if "--resume" in sys.argv:
    saved = torch.load("last.pt")
    student.load_state_dict(saved["student"])
    optimizer.load_state_dict(saved["optimizer"])
    start = 4
teacher = copy.deepcopy(student).requires_grad_(False)
for step in range(start, end):
    batch = inputs[8 * step : 8 * step + 8]
    output = student(batch)
    loss = nn.functional.mse_loss(output, 2 * batch[:, :1]) + nn.functional.mse_loss(output, teacher(batch))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    for slow, fast in zip(teacher.parameters(), student.parameters(), strict=True):
        slow.lerp_(fast.detach(), 0.1)
torch.save({"student": student.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
