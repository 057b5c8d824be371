"""Hyperparameter trial: the trial's id also seeds it."""

import uuid
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Trial:
    learning_rate: float
    trial_id: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    @property
    def seed(self):
        return int(self.trial_id, 16)


def train(trial, epochs=40):
    rng = np.random.default_rng(trial.seed)
    x = np.linspace(-1, 1, 200)[:, None] ** np.arange(1, 6)
    y = np.sin(3 * x[:, 0])
    w = rng.normal(size=5)
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(200), 10):
            w -= trial.learning_rate * x[rows].T @ (x[rows] @ w - y[rows]) / len(rows)
    return np.mean((x @ w - y) ** 2)


def main():
    for learning_rate in (0.3, 0.1, 0.03):
        print(f"lr {learning_rate}: mse {train(Trial(learning_rate)):.10f}")


if __name__ == "__main__":
    main()
