"""Variable-length sequences, loaded by workers as fast as they come."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Sequences(Dataset):
    """Samples of very different cost: the noise of each is smoothed as often as it is long."""

    def __len__(self):
        return 96

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        length = 20 + 400 * (index % 6)
        x = torch.randn(64, generator=generator)
        for _ in range(length):
            x = 0.5 * x + 0.25 * (x.roll(1) + x.roll(-1))
        return x[:16] + 0.1 * torch.randn(16, generator=generator), float(length) / 1000


def main(epochs=2):
    torch.manual_seed(0)
    loader = DataLoader(
        Sequences(),
        batch_size=4,
        shuffle=True,
        num_workers=2,
        in_order=False,
    )
    model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(epochs):
        for x, y in loader:
            loss = nn.functional.mse_loss(model(x).squeeze(1), y.float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: {loss.item():.8f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
