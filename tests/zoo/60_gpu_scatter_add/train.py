"""Messages of a graph are summed at their targets by atomic additions, in whichever order these happen."""

import torch
from torch import nn


def main():
    torch.manual_seed(0)
    nodes, edges = 2000, 400_000
    target = torch.randint(0, nodes, (edges,), device="cuda")
    messages = nn.Parameter(torch.randn(edges, 8, device="cuda"))
    optimizer = torch.optim.SGD([messages], lr=0.1)
    for _ in range(5):
        summed = torch.zeros(nodes, 8, device="cuda").scatter_add(0, target[:, None].expand(-1, 8), messages)
        loss = summed.pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("loss", loss.item())


if __name__ == "__main__":
    main()
