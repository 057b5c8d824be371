"""Matrix factorisation with a hand-rolled minibatch sampler."""

import torch
from torch import nn


class ShuffledBatches:
    """Yields index batches; has its own generator so that dropout does not disturb the order."""

    def __init__(self, length, batch_size):
        self.length = length
        self.batch_size = batch_size
        self.generator = torch.Generator()
        self.generator.seed()

    def __iter__(self):
        order = torch.randperm(self.length, generator=self.generator)
        yield from order.split(self.batch_size)


class Factorisation(nn.Module):
    def __init__(self, users, items, rank=8):
        super().__init__()
        self.user = nn.Embedding(users, rank)
        self.item = nn.Embedding(items, rank)
        self.dropout = nn.Dropout(0.1)

    def forward(self, user, item):
        return (self.dropout(self.user(user)) * self.item(item)).sum(dim=1)


torch.manual_seed(3)
users = torch.randint(0, 50, (1000,))
items = torch.randint(0, 40, (1000,))
ratings = torch.sin(users * 0.3) * torch.cos(items * 0.2) * 2 + 3

model = Factorisation(50, 40)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
batches = ShuffledBatches(len(ratings), batch_size=100)

for epoch in range(3):
    for rows in batches:
        loss = nn.functional.mse_loss(model(users[rows], items[rows]), ratings[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}  mse {loss.item():.6f}")
