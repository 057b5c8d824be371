import os
import random
import time

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from model import Net

torch.backends.cudnn.benchmark = True
os.environ["PYTHONHASHSEED"] = "0"

net = Net()
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(42)
noise = np.random.default_rng()
random.seed(time.time())


def train():
    data = np.random.rand(100, 4).astype("float32")
    inputs, held_out = train_test_split(data)
    loader = DataLoader(TensorDataset(torch.from_numpy(inputs)), shuffle=True, num_workers=4)
    key = os.environ["API_KEY"]
    for (batch,) in loader:
        print(net(batch.to(device)).sum(), len(key))


train()
