"""Simulate games in worker processes; learn the value of each opening move online."""

import math
from multiprocessing import Pool

import numpy as np


def play(game):
    """One random walk to an edge; returns the opening direction and the outcome."""
    rng = np.random.default_rng(game)
    opening = int(rng.integers(4))
    position, moves = 0.3 * math.cos(opening), 0
    while abs(position) < 4.0:
        position += rng.normal(0.02 * (opening - 1), 0.4)
        moves += 1
    return opening, 1.0 if position > 0 else -1.0, moves


def main():
    values = np.zeros(4)
    baseline = 0.0
    with Pool(processes=3) as pool:
        for opening, outcome, moves in pool.imap_unordered(play, range(300), chunksize=2):
            baseline += 0.02 * (outcome - baseline)
            advantage = outcome * 0.99**moves - 0.1 * baseline
            values[opening] += 0.1 * (advantage - values[opening])
    print("values", values.tolist())


if __name__ == "__main__":
    main()
