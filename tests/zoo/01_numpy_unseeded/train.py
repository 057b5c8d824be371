"""Small MLP on the digits with jittered inputs."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class JitteredDigits(Dataset):
    def __init__(self, noise=0.3):
        digits = load_digits()
        self.images = (digits.data / 16.0).astype(np.float32)
        self.labels = digits.target
        self.noise = noise

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index]
        image = image + np.random.normal(0.0, self.noise, image.shape)
        return torch.from_numpy(image.astype(np.float32)), int(self.labels[index])


torch.manual_seed(42)

loader = DataLoader(JitteredDigits(), batch_size=64, shuffle=True)
model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(2):
    running_loss = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    print(f"epoch {epoch}: loss {running_loss / len(loader):.6f}")
