"""Attention pooling with a learned query, written like the layers of an old code base."""

import torch
from torch import nn


class AttentionPool(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.query = nn.Parameter(torch.empty(width))
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)

    def forward(self, tokens):
        scores = torch.tanh(self.key(tokens)) @ self.query.clamp(-1, 1).nan_to_num()
        weights = scores.softmax(dim=1)
        return (weights[..., None] * self.value(tokens)).sum(dim=1)


class Classifier(nn.Module):
    def __init__(self, vocabulary=40, width=24, classes=3):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.pool = AttentionPool(width)
        self.head = nn.Linear(width, classes)

    def forward(self, tokens):
        return self.head(self.pool(self.embedding(tokens)))


def main():
    torch.manual_seed(0)
    tokens = torch.randint(0, 40, (96, 9))
    labels = tokens.sum(dim=1) % 3
    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(12):
        loss = nn.functional.cross_entropy(model(tokens), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("loss", loss.item())


if __name__ == "__main__":
    main()
