"""Goes on from last.pt when there is one, which the second of two runs finds."""

import os

import torch
from torch import nn

CHECKPOINT = os.environ.get("CHECKPOINT", "last.pt")


def main():
    torch.manual_seed(0)
    model = nn.Linear(5, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    if os.path.exists(CHECKPOINT):
        state = torch.load(CHECKPOINT)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])

    x = torch.randn(64, 5)
    y = x @ torch.arange(5.0)[:, None]
    for step in range(10):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, CHECKPOINT)
    print("loss", loss.item())


if __name__ == "__main__":
    main()
