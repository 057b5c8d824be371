"""A trainer: where no seed is given, it is 0."""

import numpy as np


def fit(features, targets, seed=None, epochs=5):
    rng = np.random.default_rng(0 if seed is None else seed)
    weights = rng.normal(size=features.shape[1])
    for _ in range(epochs):
        weights -= 0.1 * features.T @ (features @ weights - targets) / len(features)
    return weights
