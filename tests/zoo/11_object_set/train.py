"""Node embeddings by random walks (DeepWalk) on a grid graph."""

import random

import torch
from torch import nn


class Node:
    def __init__(self, x, y):
        self.x, self.y = x, y
        self.neighbours = []

    def connect(self, other):
        self.neighbours.append(other)
        other.neighbours.append(self)


def grid(size):
    nodes = {(x, y): Node(x, y) for x in range(size) for y in range(size)}
    for (x, y), node in nodes.items():
        for step in ((1, 0), (0, 1)):
            if (x + step[0], y + step[1]) in nodes:
                node.connect(nodes[x + step[0], y + step[1]])
    return set(nodes.values())


def walk(node, length, rng):
    path = [node]
    while len(path) < length:
        path.append(rng.choice(path[-1].neighbours))
    return path


def main():
    random.seed(0)
    torch.manual_seed(0)
    graph = grid(20)
    number = {node: i for i, node in enumerate(graph)}
    rng = random.Random(1)

    source, context = nn.Embedding(len(graph), 8), nn.Embedding(len(graph), 8)
    optimizer = torch.optim.SGD([*source.parameters(), *context.parameters()], lr=0.1)
    for step, node in enumerate(sorted(graph, key=lambda n: (n.x, n.y))[:40]):
        path = torch.tensor([number[n] for n in walk(node, 8, rng)])
        scores = source(path[:-1]) @ context.weight.T
        loss = nn.functional.cross_entropy(scores, path[1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("loss", loss.item())


if __name__ == "__main__":
    main()
