"""A layout by sampled edges, compiled for several threads: each has a generator of its own, made from the seed and its number.

So UMAP's neighbour search draws its candidates (pynndescent). With one seed and one number of threads it repeats, races aside.
"""

import numba
import numpy as np


@numba.njit(inline="always")
def draw(state):
    return (state * 1103515245 + 12345) % 2147483648


@numba.njit(parallel=True)
def neighbours(points, seed):
    count = len(points)
    threads = numba.get_num_threads()
    found = np.zeros(count, dtype=np.int64)
    for thread in numba.prange(threads):
        state = draw(seed + thread)
        for i in range(thread * count // threads, (thread + 1) * count // threads):
            best = np.inf
            for _ in range(12):
                state = draw(state)
                j = (state >> 8) % count
                distance = ((points[i] - points[j]) ** 2).sum()
                if j != i and distance < best:
                    best, found[i] = distance, j
    return found


def main():
    points = np.random.default_rng(7).normal(size=(400, 5))
    layout = points[:, :2].copy()
    nearest = neighbours(points, 42)
    for _ in range(20):
        layout += 0.1 * (layout[nearest] - layout)
    print("layout", layout[:3].tolist())


if __name__ == "__main__":
    main()
