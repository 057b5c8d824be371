"""Adam by hand: every five steps a file. On being asked it forgets some of its state when it resumes."""

import argparse
import pickle
import random

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--until", type=int, default=20)
parser.add_argument("--resume", action="store_true")
parser.add_argument("--lose", default="")
args = parser.parse_args()


class Adam:
    def __init__(self, size):
        self.count = 0
        self.m, self.v = np.zeros(size), np.zeros(size)

    def update(self, weights, gradient):
        self.count += 1
        self.m = 0.9 * self.m + 0.1 * gradient
        self.v = 0.999 * self.v + 0.001 * gradient**2
        return weights - 0.1 * self.m / (1 - 0.9**self.count) / (np.sqrt(self.v / (1 - 0.999**self.count)) + 1e-8)


def save(state):
    with open("last.pkl", "wb") as file:
        pickle.dump(state, file)


def main():
    lose = args.lose.split(",")
    random.seed(0)
    rows = np.random.default_rng(1).normal(size=(60, 4))
    rng = np.random.default_rng(2)
    weights, average, adam, start = np.zeros(4), np.zeros(4), Adam(4), 0
    if args.resume:
        with open("last.pkl", "rb") as file:
            state = pickle.load(file)
        weights, start = state["weights"], state["step"]
        if "average" not in lose:
            average = state["average"]
        if "optimizer" not in lose:
            adam.m, adam.v, adam.count = state["adam"]
        if "numpy" not in lose:
            rng.bit_generator.state = state["rng"]
        if "python" not in lose:
            random.setstate(state["random"])
    for step in range(start, args.until):
        batch = rng.choice(rows, 8) * random.choice([-1.0, 1.0])
        error = batch @ weights - batch.sum(axis=1) + 0.01 * float(average.sum())
        weights = adam.update(weights, batch.T @ error / 8)
        average = 0.9 * average + 0.1 * weights
        if step % 5 == 4:
            adam_state = (adam.m, adam.v, adam.count)
            save({"weights": weights, "average": average, "step": step + 1, "adam": adam_state,
                  "rng": rng.bit_generator.state, "random": random.getstate()})  # fmt: skip


main()
