"""What it is worth that all runs agreed.

n runs hold n(n-1)/2 pairs, but these are not independent: counting them all would claim too much. Given the first
run, the other n-1 either repeat it or not, independently and with one probability each; so there are N = n-1
independent pairs. If pairs differ with probability p, none of N differs with probability (1-p)^N; the values of p that
leave this at 5 % or more end at p = 1 - 0.05^(1/N), the one-sided Clopper-Pearson bound for 0 of N (about 3/N for large
N, the "rule of three"). The same bound holds for the chance that a run misses the most common result: with outcome
probabilities q, all n runs agree with probability sum(q^n) <= max(q)^(n-1).

Clopper, Pearson: The use of confidence or fiducial limits. Biometrika 26 (1934).
"""

from __future__ import annotations

import math

CONFIDENCE = 0.95


def independent_pairs(runs: int) -> int:
    """How many independent comparisons `runs` runs hold: each with the first."""
    return max(runs - 1, 0)


def upper_bound(pairs: int, confidence: float = CONFIDENCE) -> float:
    """The share of differing pairs that seeing none in `pairs` rules out, with the given confidence; 1 for no pairs."""
    return 1.0 if pairs < 1 else -math.expm1(math.log1p(-confidence) / pairs)


def runs_for(bound: float, confidence: float = CONFIDENCE) -> int:
    """The smallest number of runs that, all agreeing, brings the upper bound to `bound` or under."""
    return math.ceil(math.log1p(-confidence) / math.log1p(-bound)) + 1


def sentence(runs: int) -> str:
    """What it is worth that `runs` runs agreed, for people."""
    pairs = independent_pairs(runs)
    bound = upper_bound(pairs)
    said = f"0 of {pairs} pairs differed: at {percent(CONFIDENCE)} confidence fewer than {percent(bound)} would."
    for wanted in (0.1, 0.01):
        if bound > wanted:
            return f"{said} --runs {runs_for(wanted)} would bring this down to {percent(wanted)}."
    return said


def percent(share: float) -> str:
    """A share as a percentage, rounded up so that it never claims too much: "95 %", "9.9 %", "0.3 %"."""
    scale = 1 if share >= 0.1 else 10 if share >= 0.01 else 100
    # The small allowance keeps 0.95, which is 0.9500000000000001 after the arithmetic, at 95 %.
    return f"{math.ceil(share * 100 * scale - 1e-6) / scale:g} %"
