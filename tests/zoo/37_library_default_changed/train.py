"""No seed is given: what that means has changed with a release of the library that trains."""

import numpy as np
import strikes


def main():
    features = np.random.default_rng(3).normal(size=(64, 6))
    weights = strikes.fit(features, features.sum(axis=1))
    print("weights", weights.tolist())


if __name__ == "__main__":
    main()
