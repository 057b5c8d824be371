"""Training loops that each do something out of the ordinary now and then, and note by themselves what a record has to say of every step."""

import json
import os

import torch
from torch import nn
from torch.nn import functional as F

from reprotest.digest.tensor import digest_tensor

STEPS = 150
BACKWARD, UPDATE = 4, 5
noted = []


def model():
    return nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 3))


def watched(optimizer):
    """Note the gradients before and the values after each step of this optimizer."""

    def before(optimizer, args, kwargs):
        noted.append([[BACKWARD, digest_tensor(p.grad).hex()] for p in parameters_of(optimizer) if p.grad is not None])

    def after(optimizer, args, kwargs):
        noted[-1] += [[UPDATE, digest_tensor(p).hex()] for p in parameters_of(optimizer)]

    optimizer.register_step_pre_hook(before)
    optimizer.register_step_post_hook(after)
    return optimizer


def parameters_of(optimizer):
    return [p for group in optimizer.param_groups for p in group["params"]]


def loss_of(net, step):
    x = torch.randn(8, 6, generator=torch.Generator().manual_seed(step))
    return F.cross_entropy(net(x), torch.arange(8) % 3)


def plain(change=lambda step, net, optimizer: None, between=lambda step, net: None):
    net = model()
    optimizer = watched(torch.optim.SGD(net.parameters(), lr=0.1))
    for step in range(STEPS):
        change(step, net, optimizer)
        optimizer.zero_grad()
        loss_of(net, step).backward()
        between(step, net)
        optimizer.step()


def moved(step, net, optimizer):
    if step in (20, 47):
        net[0].weight.data = net[0].weight.data.clone()


def resized(step, net, optimizer):
    if step == 30:
        net[2].bias.data = torch.zeros(4)
        net[2].weight.data = torch.zeros(4, 12)
        net[2].weight.grad = net[2].bias.grad = None


def frozen(step, net, optimizer):
    net[0].weight.requires_grad_(not 40 <= step < 45)


def grown(step, net, optimizer):
    if step == 50:
        net.extra = nn.Parameter(torch.zeros(5))
        optimizer.add_param_group({"params": [net.extra]})


def expanded(step, net):
    if step in (21, 22, 70):
        net[0].bias.grad = torch.full((1,), 0.5).expand(12)


def replaced(step, net):
    if step % 7 == 3:
        net[0].weight.grad = net[0].weight.grad.t().contiguous().t()


def two_optimizers():
    pairs = [(net, watched(torch.optim.SGD(net.parameters(), lr=0.1))) for net in (model(), model())]
    for step in range(STEPS):
        for number, (net, optimizer) in enumerate(pairs):
            if number == 1 and step % 5 == 4:
                continue
            optimizer.zero_grad()
            loss_of(net, step).backward()
            optimizer.step()


def accumulated():
    net = model()
    optimizer = watched(torch.optim.Adam(net.parameters()))
    for step in range(STEPS):
        for part in range(1 + step % 2):
            (loss_of(net, 2 * step + part) / 2).backward()
        optimizer.step()
        optimizer.zero_grad()


def with_closure():
    net = model()
    optimizer = watched(torch.optim.SGD(net.parameters(), lr=0.1))

    def closure():
        optimizer.zero_grad()
        loss = loss_of(net, 0)
        loss.backward()
        return loss

    for step in range(STEPS):
        if 60 <= step < 64:
            optimizer.step(closure)
            noted[-1] = [[BACKWARD, digest_tensor(p.grad).hex()] for p in net.parameters()] + noted[-1][-4:]
        else:
            closure()
            optimizer.step()


def cut_short():
    net = model()

    class Fragile(torch.optim.SGD):
        def step(self, closure=None):
            if self.broken:
                raise RuntimeError("broken")
            return super().step(closure)

    optimizer = watched(Fragile(net.parameters(), lr=0.1))
    for step in range(STEPS):
        optimizer.broken = step % 20 == 13
        optimizer.zero_grad()
        loss_of(net, step).backward()
        try:
            optimizer.step()
        except RuntimeError:
            noted.pop()


def remade():
    net = model()
    for step in range(STEPS):
        optimizer = watched(torch.optim.SGD(net.parameters(), lr=0.1))
        optimizer.zero_grad()
        loss_of(net, step).backward()
        optimizer.step()


KINDS = {
    "plain": plain,
    "moved": lambda: plain(moved),
    "resized": lambda: plain(resized),
    "frozen": lambda: plain(frozen),
    "grown": lambda: plain(grown),
    "expanded": lambda: plain(between=expanded),
    "replaced": lambda: plain(between=replaced),
    "two_optimizers": two_optimizers,
    "accumulated": accumulated,
    "with_closure": with_closure,
    "cut_short": cut_short,
    "remade": remade,
}

torch.set_num_threads(1)
for kind, train in KINDS.items():  # each in a process of its own, and so in a stream of its own
    if os.fork() == 0:
        torch.manual_seed(0)
        train()
        with open(f"{kind}.json", "w") as file:
            json.dump(noted, file)
        os._exit(0)
    os.wait()
