"""TD3-style critic warm-up with random actions."""

import argparse
import random

import numpy as np
import torch
from env import PushCart
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--start-steps", type=int, default=120)
args = parser.parse_args()

random.seed(args.seed)
np.random.seed(args.seed)
torch.manual_seed(args.seed)

env = PushCart()
state = env.reset(seed=args.seed)
critic = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3)

for t in range(args.start_steps):
    action = env.action_space.sample()
    next_state, reward, done = env.step(action)
    features = torch.from_numpy(np.concatenate([state, action]))
    with torch.no_grad():
        next_action = torch.from_numpy(-0.5 * next_state[:1])
        target = reward + 0.99 * critic(torch.cat([torch.from_numpy(next_state), next_action]))
    loss = nn.functional.mse_loss(critic(features), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    state = env.reset() if done else next_state

print(f"critic loss {loss.item():.8f}")
