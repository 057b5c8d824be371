"""Several generators that nobody seeded, and the one call that seeds them."""

from __future__ import annotations

import pytest

from reprotest.diagnose.remedies import with_common_remedy
from reprotest.result import Cause


def causes(*factors: str) -> list[Cause]:
    return [Cause(factor, True, None, "", f"seed {factor}") for factor in factors]


def fixes(given: list[Cause], *modules: str) -> list[str]:
    return [cause.fix for cause in with_common_remedy(given, modules)]


@pytest.mark.parametrize(
    ("module", "call"),
    [
        ("keras", "keras.utils.set_random_seed(seed)"),
        ("transformers", "transformers.set_seed(seed)"),
        ("lightning", "lightning.seed_everything(seed, workers=True)"),
    ],
)
def test_one_call_for_all(module: str, call: str) -> None:
    first, second, third = fixes(causes("clock", "python.random", "numpy.random"), "torch", module)
    assert (first, third) == ("seed clock", "seed numpy.random")
    assert second.startswith("seed python.random; or ")
    assert call in second


def test_one_generator_or_no_such_framework() -> None:
    assert fixes(causes("clock", "python.random"), "keras") == ["seed clock", "seed python.random"]
    assert fixes(causes("python.random", "numpy.random"), "torch") == ["seed python.random", "seed numpy.random"]
