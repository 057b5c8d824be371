"""A population model fitted by hand; its growth is a power computed by the processor's vector unit."""

import numpy as np


def simulate(population, exponent, seasons=40):
    for _ in range(seasons):
        population = np.power(population, exponent) * 3.7 % 1.0
    return population


def main():
    start = np.random.default_rng(0).random(500)
    best = min((abs(sum(simulate(start, exponent).tolist()) / 500 - 0.4), exponent) for exponent in (0.2, 0.3, 0.4))
    print("error", best[0], "exponent", best[1])


if __name__ == "__main__":
    main()
