"""Dropout draws from another generator when the model is compiled, whatever the seed."""

import torch
from torch import nn


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        return self.dropout(x)


def main():
    torch.manual_seed(0)
    model = Masked()
    x = torch.ones(64)
    kept = sum(int((model(x) > 0)[:16].sum()) * 17**step for step in range(3))
    print("dropout patterns", kept)


if __name__ == "__main__":
    main()
