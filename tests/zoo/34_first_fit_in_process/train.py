"""The seed is set before every fit; still the first fit of a process draws more from the generator than the later ones."""

import fitting
import numpy as np


def main():
    np.random.seed(11)
    features = np.random.normal(size=(200, 5))
    weights = fitting.fit(features, features.sum(axis=1))
    print("weights", weights.tolist())


if __name__ == "__main__":
    main()
