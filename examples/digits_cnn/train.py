"""Train a small CNN on scikit-learn's digits, with string labels and random shifts.

    python train.py [--epochs N] [--seed N]
"""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset

NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


class Digits(Dataset):
    """8x8 images in [0, 1]; labels arrive as words, as they do from an annotation file."""

    def __init__(self, augment: bool):
        digits = load_digits()
        self.images = (digits.images / 16.0).astype(np.float32)
        words = [NAMES[target] for target in digits.target]
        self.classes = list(set(words))
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}
        self.targets = [self.class_to_idx[word] for word in words]
        self.augment = augment

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int):
        image = self.images[index]
        if self.augment:
            shift = np.random.randint(-1, 2, size=2)
            image = np.roll(image, shift, axis=(0, 1))
        return torch.from_numpy(image.copy())[None], self.targets[index]


class Net(nn.Module):
    def __init__(self, classes: int = 10):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.dropout = nn.Dropout(0.25)
        self.fc = nn.Linear(32 * 4 * 4, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(self.dropout(x.flatten(1)))


@torch.no_grad()
def accuracy(model: nn.Module, loader: DataLoader) -> float:
    model.eval()
    correct = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return correct / len(loader.dataset)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    held_out = range(1500, 1797)
    train_loader = DataLoader(Subset(Digits(augment=True), range(1500)), batch_size=64, shuffle=True)
    test_loader = DataLoader(Subset(Digits(augment=False), held_out), batch_size=256)

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(args.epochs):
        model.train()
        for x, y in train_loader:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}, test accuracy {accuracy(model, test_loader):.3f}")


if __name__ == "__main__":
    main()
