"""A perceptron in whole numbers with everything sorted and seeded: nothing around it matters."""

import glob
import os
import random
import time
import uuid


def data():
    rng = random.Random(11)
    rows = [[rng.randrange(-9, 10) for _ in range(6)] for _ in range(200)]
    return [(row, 1 if 2 * row[0] - row[3] + row[5] > 0 else -1) for row in rows]


def main():
    started = time.time()
    names = sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "*.py")))
    weights = [0] * 6
    for epoch in range(8):
        mistakes = 0
        for row, label in data():
            if label * sum(w * x for w, x in zip(weights, row)) <= 0:
                weights = [w + label * x for w, x in zip(weights, row)]
                mistakes += 1
    with open("log.txt", "w") as log:
        log.write(f"{uuid.uuid4()} {os.getpid()} {time.time() - started} {os.getcwd()} {len(names)}")
    print("weights", weights, "mistakes", mistakes)


if __name__ == "__main__":
    main()
