import argparse
import numpy as np
from helpers import Sampler

def main():
    p = argparse.ArgumentParser()
    p.add_argument("--n", type=int, default=5)
    a = p.parse_args()
    np.random.seed(0)
    s = Sampler(a.n)
    w = np.zeros(a.n)
    for _ in range(20):
        w += 0.1 * (s.draw() - w)
    print("weights", w)

if __name__ == "__main__":
    main()
