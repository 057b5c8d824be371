"""Train a small GRU on a counting task."""

import argparse
from dataclasses import asdict, dataclass

import torch
from torch import nn


@dataclass
class TrainConfig:
    seed: int = 1337
    hidden: int = 16
    lr: float = 5e-3
    batch_size: int = 16
    steps: int = 30


class Counter(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        _, last = self.gru(x)
        return self.head(last[0]).squeeze(-1)


def parse_config():
    parser = argparse.ArgumentParser()
    for name, value in asdict(TrainConfig()).items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    return TrainConfig(**vars(parser.parse_args()))


def batches(config):
    pattern = torch.arange(config.batch_size * 12).reshape(config.batch_size, 12, 1)
    for step in range(config.steps):
        bits = ((pattern * (step + 3)) % 7 > 3).float()
        yield bits, bits.sum(dim=(1, 2))


def main():
    config = parse_config()
    print("config", asdict(config))
    model = Counter(config.hidden)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr)
    for step, (bits, count) in enumerate(batches(config)):
        loss = nn.functional.mse_loss(model(bits), count)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 10 == 0:
            print(f"step {step} loss {loss.item():.6f}")


if __name__ == "__main__":
    main()
