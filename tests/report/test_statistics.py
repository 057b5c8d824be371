from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprotest.report.statistics import independent_pairs, percent, runs_for, sentence, upper_bound


@pytest.mark.parametrize(
    ("pairs", "bound"),
    # Exact one-sided Clopper-Pearson limits for 0 of N, from tables.
    [(1, 0.9500), (2, 0.7764), (5, 0.4507), (10, 0.2589), (20, 0.1391), (30, 0.0950), (100, 0.0295), (1000, 0.00299)],
)
def test_clopper_pearson(pairs: int, bound: float) -> None:
    assert upper_bound(pairs) == pytest.approx(bound, abs=6e-5)


@given(st.integers(1, 10**6))
def test_the_bound_is_where_seeing_nothing_has_five_percent(pairs: int) -> None:
    assert (1 - upper_bound(pairs)) ** pairs == pytest.approx(0.05, rel=1e-6)


@given(st.floats(1e-6, 0.94))
def test_runs_for_is_the_smallest_number(bound: float) -> None:
    runs = runs_for(bound)
    assert upper_bound(independent_pairs(runs)) <= bound * (1 + 1e-9)
    assert upper_bound(independent_pairs(runs - 1)) > bound * (1 - 1e-9)


def test_one_run_says_nothing() -> None:
    assert upper_bound(independent_pairs(1)) == 1.0


@given(st.floats(0, 1))
def test_percentages_never_claim_too_much(share: float) -> None:
    assert float(percent(share).removesuffix(" %")) / 100 >= share - 1e-7


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        (
            2,
            "0 of 1 pairs differed: CI fewer than 95 % would. --runs 30 would bring this down to 10 %.",
        ),
        (
            3,
            "0 of 2 pairs differed: CI fewer than 78 % would. --runs 30 would bring this down to 10 %.",
        ),
        (
            30,
            "0 of 29 pairs differed: CI fewer than 9.9 % would. --runs 300 would bring this down to 1 %.",
        ),
        (300, "0 of 299 pairs differed: CI fewer than 1 % would."),
    ],
)
def test_sentence(runs: int, said: str) -> None:
    assert sentence(runs) == said.replace("CI", "at 95 % confidence")
