"""One regression head per task, each with its own seed."""

import numpy as np
import torch
from torch import nn

TASKS = ["toxicity", "solubility", "binding", "clearance"]


def task_generator(task, base_seed=100):
    return np.random.default_rng(base_seed + abs(hash(task)) % 10_000)


def make_task_data(task, n=64, d=10):
    rng = task_generator(task)
    x = rng.standard_normal((n, d)).astype(np.float32)
    w = np.linspace(-1, 1, d, dtype=np.float32)
    y = x @ w + 0.1 * rng.standard_normal(n).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(y)


torch.manual_seed(11)
trunk = nn.Linear(10, 16)
heads = nn.ModuleDict({task: nn.Linear(16, 1) for task in TASKS})
optimizer = torch.optim.Adam([*trunk.parameters(), *heads.parameters()], lr=0.01)
data = {task: make_task_data(task) for task in TASKS}

for step in range(25):
    optimizer.zero_grad()
    total = 0.0
    for task, (x, y) in data.items():
        prediction = heads[task](torch.relu(trunk(x))).squeeze(1)
        total = total + nn.functional.mse_loss(prediction, y)
    total.backward()
    optimizer.step()

print(f"joint loss {total.item():.7f}")
