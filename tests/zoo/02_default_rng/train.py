"""Q-learning with a replay buffer on a corridor."""

import random

import numpy as np
import torch
from torch import nn


class ReplayBuffer:
    def __init__(self, capacity, state_dim):
        self.states = np.zeros((capacity, state_dim), dtype=np.float32)
        self.actions = np.zeros(capacity, dtype=np.int64)
        self.rewards = np.zeros(capacity, dtype=np.float32)
        self.next_states = np.zeros((capacity, state_dim), dtype=np.float32)
        self.capacity, self.size, self.cursor = capacity, 0, 0
        self.rng = np.random.default_rng()

    def add(self, state, action, reward, next_state):
        i = self.cursor
        self.states[i], self.actions[i] = state, action
        self.rewards[i], self.next_states[i] = reward, next_state
        self.cursor = (i + 1) % self.capacity
        self.size = min(self.size + 1, self.capacity)

    def sample(self, batch_size):
        rows = self.rng.integers(0, self.size, size=batch_size)
        fields = (self.states, self.actions, self.rewards, self.next_states)
        return [torch.from_numpy(field[rows]) for field in fields]


def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def one_hot(position, length=8):
    return np.eye(length, dtype=np.float32)[position]


set_seed(7)
q_network = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(q_network.parameters(), lr=3e-3)
buffer = ReplayBuffer(capacity=512, state_dim=8)

position = 0
for step in range(150):
    state = one_hot(position)
    action = random.randrange(2) if random.random() < 0.5 else int(q_network(torch.from_numpy(state)).argmax())
    position = min(7, position + 1) if action == 1 else max(0, position - 1)
    reward = 1.0 if position == 7 else -0.01
    buffer.add(state, action, reward, one_hot(position))
    if position == 7:
        position = 0
    if buffer.size < 32:
        continue
    states, actions, rewards, next_states = buffer.sample(32)
    with torch.no_grad():
        target = rewards + 0.95 * q_network(next_states).max(dim=1).values
    value = q_network(states).gather(1, actions[:, None]).squeeze(1)
    loss = nn.functional.mse_loss(value, target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

print("value of the first state", q_network(torch.from_numpy(one_hot(0))).max().item())
