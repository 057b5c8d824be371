"""The augmentation counts the samples that it has seen; only a worker that lives on remembers the last epoch."""

import torch
from torch.utils.data import DataLoader, Dataset


class Curriculum(Dataset):
    """Noise that fades with the number of samples that this copy of the data set has served."""

    def __init__(self, length=16):
        self.length = length
        self.served = 0

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        self.served += 1
        return torch.tensor([index + 1.0 / self.served])


def main():
    loader = DataLoader(Curriculum(), batch_size=4, num_workers=1, persistent_workers=True)
    for epoch in range(2):
        total = sum(float(batch.sum()) for batch in loader)
        print(f"epoch {epoch}: {total:.3f}")


if __name__ == "__main__":
    main()
