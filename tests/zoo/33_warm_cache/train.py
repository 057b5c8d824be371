"""Features are kept in single precision; only the first run sees them in double."""

import os

import numpy as np

CACHE = "features.npy"


def features():
    if os.path.exists(CACHE):
        return np.load(CACHE).astype(np.float64)
    made = np.linspace(0.0, 1.0, 100) / 3.0
    np.save(CACHE, made.astype(np.float32))
    return made


def main():
    values = features().tolist()
    total = 0.0
    for value in values:
        total += value
    print("mean", total / len(values))


if __name__ == "__main__":
    main()
