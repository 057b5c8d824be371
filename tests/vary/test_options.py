"""Which factors are varied, as the command line says it."""

from __future__ import annotations

import pytest

from reprotest.errors import UsageError
from reprotest.vary.options import VaryOptions, selected

KNOWN = ["numpy.random", "torch.random", "threads.count", "locale", "timezone"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], KNOWN),
        (["-locale"], ["numpy.random", "torch.random", "threads.count", "timezone"]),
        (["+threads.count,-locale"], ["numpy.random", "torch.random", "threads.count", "timezone"]),
        (["+locale"], ["locale"]),
        (["+locale,+timezone"], ["locale", "timezone"]),
        (["-all,+locale"], ["locale"]),
        (["-all", "+locale"], ["locale"]),
        (["locale"], ["locale"]),
        (["-torch.*"], ["numpy.random", "threads.count", "locale", "timezone"]),
        (["+all"], KNOWN),
    ],
)
def test_factors_are_chosen_from_left_to_right(words: list[str], expected: list[str]) -> None:
    assert selected(words, KNOWN) == expected


def test_a_misspelt_factor_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(
        UsageError, match=r"--vary -thread.count: there is no factor 'thread.count': did you mean threads.count\?"
    ):
        selected(["-thread.count"], KNOWN)


@pytest.mark.parametrize(("option", "value"), [("budget", 0), ("runs", 1), ("steps", 0), ("timeout", -1), ("seed", -1)])
def test_values_out_of_range_are_refused_by_name(option: str, value: int) -> None:
    with pytest.raises(UsageError, match=f"{option} is {value}"):
        VaryOptions(**{option: value})
