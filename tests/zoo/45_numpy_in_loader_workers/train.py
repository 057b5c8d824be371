"""NumPy's global state is never seeded here, but PyTorch seeds it in every loader worker."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Mixup(Dataset):
    def __init__(self):
        generator = torch.Generator().manual_seed(1)
        self.x = torch.randn(120, 10, generator=generator)
        self.y = (self.x[:, 0] > 0).float()

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        j = np.random.randint(len(self.x))
        weight = float(np.random.beta(0.4, 0.4))
        return weight * self.x[i] + (1 - weight) * self.x[j], weight * self.y[i] + (1 - weight) * self.y[j]


def main():
    torch.manual_seed(0)
    loader = DataLoader(Mixup(), batch_size=12, shuffle=True, num_workers=2)
    model = nn.Linear(10, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for epoch in range(2):
        for x, y in loader:
            loss = nn.functional.binary_cross_entropy_with_logits(model(x).squeeze(1), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print("loss", loss.item())


if __name__ == "__main__":
    main()
