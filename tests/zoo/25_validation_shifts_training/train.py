"""Does watching the validation loss change the training? Both loaders draw from one generator."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def loaders():
    points = torch.arange(48, dtype=torch.float32).remainder(7.0).reshape(24, 2) / 8
    labels = (points.sum(dim=1, keepdim=True) > 0.8).float()
    training = TensorDataset(points[:16], labels[:16])
    validation = TensorDataset(points[16:], labels[16:])
    return DataLoader(training, batch_size=4, shuffle=True), DataLoader(validation, batch_size=8)


def main():
    torch.manual_seed(0)
    training, validation = loaders()
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.25)
    for epoch in range(3):
        for x, y in training:
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            errors = [nn.functional.mse_loss(model(x), y).item() for x, y in validation]
        print(f"epoch {epoch}: validation error {sum(errors) / len(errors):.4f}")


if __name__ == "__main__":
    main()
