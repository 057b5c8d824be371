"""`--seeds`: other seeds than those that the program sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reprotest.factors._own_seeds import other

Varied = Callable[..., dict[str, Any]]
OTHER = "other seeds where the program sets them"


def named(report: dict[str, Any]) -> dict[str, str]:
    return {item["factor"]: item["to"] for item in report["sensitive_to"]}


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**40, -5, 1.5, "word", b"word", (1, 2), [3]])
def test_another_seed_is_of_the_same_kind(seed: Any) -> None:
    changed = other(seed)
    assert changed != seed
    assert type(changed) is type(seed)
    if seed == 2**32 - 1:
        assert 0 <= changed < 2**32, "NumPy takes no larger one"


@pytest.mark.parametrize("seed", [None, True, object])
def test_what_is_no_seed_stays(seed: Any) -> None:
    assert other(seed) is seed


@pytest.mark.parametrize(
    ("draw", "factor"),
    [
        ("(random.seed(3), random.random())[1]", "python.random"),
        ("random.Random('a').random()", "python.random"),
        ("(np.random.seed(3), float(np.random.rand()))[1]", "numpy.random"),
        ("float(np.random.RandomState(3).rand())", "numpy.random"),
        ("float(np.random.default_rng([3, 4]).random())", "numpy.random"),
        ("float(np.random.default_rng(seed=3).random())", "numpy.random"),
    ],
)
def test_a_seed_of_the_programs_own_is_varied_when_that_is_asked_for(varied: Varied, draw: str, factor: str) -> None:
    source = f"import random, numpy as np, reprotest; reprotest.observe('draw', {draw})"
    chosen = "--vary=+python.random,+numpy.random"
    assert named(varied(source, chosen, "--fresh")) == {}
    report = varied(source, chosen, "--seeds", "--fresh")
    assert (report["verdict"], named(report)) == ("sensitive", {factor: OTHER})
    assert report["sensitive_to"][0]["from"] == "its own seeds"


def test_what_is_drawn_without_a_seed_is_another_matter(varied: Varied) -> None:
    """The program is unstable, and no seed of its own has any part in that."""
    source = "import random, reprotest; random.Random(3).random(); reprotest.observe('draw', random.random())"
    report = varied(source, "--vary=+python.random", "--seeds")
    assert named(report) == {"python.random": "another seed for Python's random"}


@pytest.mark.slow
def test_seeds_of_torch(varied: Varied) -> None:
    pytest.importorskip("torch")
    source = """
        import torch, reprotest
        torch.manual_seed(5)
        reprotest.observe("global", torch.rand(2))
        reprotest.observe("own", torch.rand(2, generator=torch.Generator().manual_seed(0)))
        """
    report = varied(source, "--vary=+torch.random,+locale", "--seeds")
    assert (report["verdict"], named(report), report["insensitive_to"]) == (
        "sensitive",
        {"torch.random": OTHER},
        ["locale"],
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "draw", "factor"),
    [
        ("jax", "np.asarray(jax.random.normal(jax.random.key(0), (2,)))", "jax.random"),
        (
            "tensorflow",
            "(tensorflow.random.set_seed(1), tensorflow.random.normal((2,)).numpy())[1]",
            "tensorflow.random",
        ),
    ],
)
def test_seeds_of_other_frameworks(varied: Varied, module: str, draw: str, factor: str) -> None:
    pytest.importorskip(module)
    source = f"import {module}, numpy as np, reprotest; reprotest.observe('draw', {draw})"
    report = varied(source, f"--vary=+{factor}", "--seeds")
    assert (report["verdict"], named(report)) == ("sensitive", {factor: OTHER})
