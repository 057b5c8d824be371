"""Ridge regression whose train/validation split is keyed by the fingerprint of the preprocessing."""

import hashlib
import pickle

import numpy as np

PREPROCESSING = {
    "drop_columns": {"id", "timestamp", "source", "comment"},
    "normalise": True,
    "clip": 3.0,
}


def fingerprint(transform):
    """Stable id of a transform, used to find its cached output."""
    return hashlib.sha256(pickle.dumps(transform)).hexdigest()


def split(n, key, fraction=0.25):
    rng = np.random.default_rng(int(key[:8], 16))
    order = rng.permutation(n)
    cut = int(n * fraction)
    return order[cut:], order[:cut]


def make_data(n=400, d=12):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, d))
    return x, x @ rng.normal(size=d) + rng.normal(scale=0.5, size=n)


def ridge(x, y, alpha):
    return np.linalg.solve(x.T @ x + alpha * np.eye(x.shape[1]), x.T @ y)


def main():
    x, y = make_data()
    key = fingerprint(PREPROCESSING)
    train, valid = split(len(x), key)
    x = np.clip((x - x[train].mean(0)) / x[train].std(0), -PREPROCESSING["clip"], PREPROCESSING["clip"])
    for alpha in (0.1, 1.0, 10.0):
        w = ridge(x[train], y[train], alpha)
        error = np.mean((x[valid] @ w - y[valid]) ** 2)
        print(f"alpha {alpha:5.1f}  validation mse {error:.8f}")


if __name__ == "__main__":
    main()
