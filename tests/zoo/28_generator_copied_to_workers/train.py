"""Every worker gets a copy of the data set's seeded generator, and so the same noise as the others."""

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


class Noisy(Dataset):
    def __init__(self):
        self.rng = np.random.default_rng(7)

    def __len__(self):
        return 12

    def __getitem__(self, index):
        return torch.from_numpy(self.rng.integers(0, 1000, size=2)) + 1000 * index


def main():
    loader = DataLoader(Noisy(), batch_size=2, num_workers=2)
    seen = torch.cat([batch % 1000 for batch in loader])
    print(f"distinct draws: {seen.unique().numel()} of {seen.numel()}")


if __name__ == "__main__":
    main()
