"""Random crops in loader workers; every worker gets 'its own' NumPy seed."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class RandomCrops(Dataset):
    def __init__(self, n=160, size=16, crop=10):
        generator = torch.Generator().manual_seed(0)
        self.images = torch.rand(n, 1, size, size, generator=generator)
        self.labels = (self.images.mean(dim=(1, 2, 3)) * 1000).long() % 2
        self.room, self.crop = size - crop, crop

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        top, left = np.random.randint(0, self.room, size=2)
        return self.images[i, :, top : top + self.crop, left : left + self.crop], self.labels[i]


def init_worker(worker_id):
    # the workers must not all draw the same crops
    np.random.seed()


def main():
    torch.manual_seed(0)
    np.random.seed(0)
    loader = DataLoader(RandomCrops(), batch_size=16, shuffle=True, num_workers=2, worker_init_fn=init_worker)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(256, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(2):
        for images, labels in loader:
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.7f}")


if __name__ == "__main__":
    main()
