"""A power transform of the features, computed by the processor's vector unit, before a fit by hand."""

import numpy as np


def main():
    rng = np.random.default_rng(0)
    raw = rng.lognormal(size=2000)
    features = np.power(raw, 0.3).tolist()
    labels = [1.0 if value > 1.0 else 0.0 for value in raw.tolist()]
    weight = bias = 0.0
    for _ in range(30):
        errors = [weight * x + bias - y for x, y in zip(features, labels)]
        weight -= 0.1 * sum(e * x for e, x in zip(errors, features)) / len(features)
        bias -= 0.1 * sum(errors) / len(errors)
    print("weight", weight, "bias", bias)


if __name__ == "__main__":
    main()
