"""Each worker draws its augmentation from a generator of its own, so their number decides who draws what."""

import torch
from torch.utils.data import DataLoader, Dataset


class Shifted(Dataset):
    def __init__(self):
        self.images = torch.arange(64 * 8, dtype=torch.float32).reshape(64, 8)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        shift = int(torch.randint(0, 8, ()))
        return self.images[index].roll(shift)


def main():
    torch.manual_seed(3)
    loader = DataLoader(Shifted(), batch_size=8, num_workers=2)
    mean = sum(batch[:, 0].sum() for batch in loader) / 64
    print(f"mean of the first pixel: {mean.item():.4f}")


if __name__ == "__main__":
    main()
