"""Train from the command line."""

import argparse

from .seeds import set_all
from .training import fit


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int)
    parser.add_argument("--token", default=None)
    args = parser.parse_args()
    if args.seed is not None:
        set_all(args.seed)
    fit()
