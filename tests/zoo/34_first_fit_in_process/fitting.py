"""A small trainer, as a library would have it: what it needs for its first fit is made then, and kept."""

import numpy as np

_projection = None


def fit(features, targets, epochs=4):
    global _projection
    if _projection is None:
        _projection = np.random.normal(size=(features.shape[1], 3))
    inputs = features @ _projection
    weights = np.random.normal(size=3)
    for _ in range(epochs):
        rows = np.random.permutation(len(inputs))[:32]
        weights -= 0.05 * inputs[rows].T @ (inputs[rows] @ weights - targets[rows]) / 32
    return weights
