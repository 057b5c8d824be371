"""Power iteration: the matrix product is split over the threads that there are."""

import numpy as np


def main():
    rng = np.random.default_rng(0)
    power = rng.normal(size=(300, 300))
    for _ in range(3):
        power = power @ power / 300
    print("trace of the eighth power", float(power.trace()), float(power[0, 0]))


if __name__ == "__main__":
    main()
