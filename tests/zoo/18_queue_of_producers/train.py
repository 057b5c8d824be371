"""Actors fill a queue with rollouts, the learner takes them as they arrive."""

import queue
import threading

import numpy as np
import torch
from torch import nn


class Actor(threading.Thread):
    def __init__(self, number, rollouts, length=40):
        super().__init__(daemon=True)
        self.rng = np.random.default_rng(number)
        self.rollouts, self.length = rollouts, length

    def run(self):
        for _ in range(40):
            transition = self.rng.normal(size=(64, 64)) / 8
            states = [self.rng.normal(size=64)]
            for _ in range(self.length):
                states.append(np.tanh(transition @ states[-1]))
            self.rollouts.put(np.stack(states).astype(np.float32))


torch.manual_seed(0)
rollouts = queue.Queue(maxsize=8)
actors = [Actor(number, rollouts, length=30 + 20 * number) for number in range(4)]
for actor in actors:
    actor.start()

model = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 64))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for update in range(40 * len(actors)):
    states = torch.from_numpy(rollouts.get())
    loss = nn.functional.mse_loss(model(states[:-1]), states[1:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("model loss", loss.item())
