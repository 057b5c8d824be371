"""Hogwild with processes and shared parameters, after the PyTorch example."""

import torch
import torch.multiprocessing as mp
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))

    def forward(self, x):
        return self.body(x).log_softmax(dim=1)


def train(rank, model):
    torch.set_num_threads(1)
    torch.manual_seed(1 + rank)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.5)
    for _ in range(600):
        x = torch.randn(64, 8)
        target = (x[:, :4] + x[:, 4:]).argmax(dim=1)
        optimizer.zero_grad()
        loss = nn.functional.nll_loss(model(x), target)
        loss.backward()
        optimizer.step()


def evaluate(model):
    torch.manual_seed(1000)
    x = torch.randn(512, 8)
    target = (x[:, :4] + x[:, 4:]).argmax(dim=1)
    with torch.no_grad():
        return nn.functional.nll_loss(model(x), target).item()


if __name__ == "__main__":
    mp.set_start_method("fork")
    torch.manual_seed(1)
    model = Net()
    model.share_memory()
    processes = []
    for rank in range(2):
        p = mp.Process(target=train, args=(rank, model))
        p.start()
        processes.append(p)
    for p in processes:
        p.join()
    print("test loss", evaluate(model))
