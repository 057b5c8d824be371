"""Message passing on a random graph; node features are learned."""

import torch
from torch import nn

torch.manual_seed(12)

NODES, EDGES, WIDTH = 500, 80_000, 8


class MessagePassing(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Parameter(torch.randn(NODES, WIDTH) * 0.1)
        self.message = nn.Linear(WIDTH, WIDTH)

    def forward(self, source, target):
        x = torch.tanh(self.message(self.features))
        similarity = (x[source] * x[target]).sum(dim=1)
        return similarity


source = torch.randint(0, NODES, (EDGES,))
target = torch.randint(0, NODES, (EDGES,))
strength = torch.cos((source - target) * 0.01)

model = MessagePassing()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(10):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(source, target), strength)
    loss.backward()
    optimizer.step()
print("loss after 10 steps:", loss.item())
