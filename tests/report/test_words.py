from __future__ import annotations

import math

import pytest

from reprotest.report import words
from reprotest.result import Difference, RunReport


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (
            {"ulp": 1, "max_abs": 5.96e-08, "max_rel": 1e-07},
            "one bit, the last one: rounding (up to 5.96e-08 absolute, 1e-07 relative, 1 ULP)",
        ),
        ({"ulp": 12, "max_abs": 1e-06}, "only the last bits: rounding (up to 1e-06 absolute, 12 ULP)"),
        ({"ulp": 3000, "max_rel": 2e-4}, "small, as when sums are added in another order (0.0002 relative, 3000 ULP)"),
        (
            {"ulp": 12_345_678, "max_abs": 0.31, "max_rel": 1.2},
            "real drift, far beyond rounding (up to 0.31 absolute, 1.2 relative, 1.23e+07 ULP)",
        ),
        ({"max_abs": 3.0}, "more than rounding (up to 3 absolute)"),
        ({"max_abs": 585.0, "max_rel": 0.98}, "other values (up to 585 absolute, 0.98 relative)"),
        (
            {"phase": "output", "max_abs": 0.5, "max_rel": 0.9},
            "real drift, far beyond rounding (up to 0.5 absolute, 0.9 relative)",
        ),
        (
            {"max_abs": math.inf, "ulp": 2**40},
            "one run has a NaN or an infinity where the other has none (up to inf absolute, 1.1e+12 ULP)",
        ),
        ({}, None),
        ({"kind": "order"}, "the same rows in another order"),
        ({"kind": "missing"}, "missing in the other run"),
        ({"kind": "shape", "note": "(3, 4) and (3, 5)"}, "(3, 4) and (3, 5)"),
        ({"kind": "died", "note": "run 2 ended here with exit code 1"}, "run 2 ended here with exit code 1"),
    ],
)
def test_size_tells_one_bit_from_real_drift(difference: dict[str, object], said: str | None) -> None:
    assert words.size(Difference(**{"step": 0, "phase": "loss", "name": "loss", **difference})) == said  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (Difference(3, "backward", "conv1.weight"), "step 3, gradients: conv1.weight"),
        (
            Difference(0, "forward", "fc", op="aten::mm", location="train.py:31", stream="rank1"),
            "step 0, forward pass: fc (aten::mm at train.py:31, rank1)",
        ),
        (Difference(7, "update", "", kind="length"), "step 7"),
    ],
)
def test_place(difference: Difference, said: str) -> None:
    assert words.place(difference) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_times(seconds: float, said: str) -> None:
    assert words.times(seconds) == said


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["train.py", "--epochs", "2"], "train.py"),
        (["-m", "package.train", "-v"], "package.train"),
        (["torchrun", "train.py"], "torchrun"),
        ([], "the command"),
    ],
)
def test_program(command: list[str], said: str) -> None:
    assert words.program(command) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pass a seed", "Pass a seed."),
        ("numpy.random was drawn", "numpy.random was drawn."),
        ("Why?", "Why?"),
        ("", ""),
    ],
)
def test_sentence(text: str, said: str) -> None:
    assert words.sentence(text) == said


def test_listing() -> None:
    assert words.listing([]) == ""
    assert words.listing(["a"]) == "a"
    assert words.listing(["a", "b", "c"]) == "a, b and c"
    assert words.listing(list("abcd"), 2) == "a, b and 2 more"


def test_one_line(samples: dict[str, RunReport]) -> None:
    assert {kind: words.one_line(sample) for kind, sample in samples.items()} == {
        "proven": "different: step 0, input data: batch[0] (train.py:11); cause: numpy.random at train.py:9 (proven)",
        "two_causes": "different: step 0, input data: batch[0] (train.py:11); "
        "cause: numpy.random at train.py:9 (proven), python.hash at train.py:15 (proven)",
        "identical": "identical: 3 runs (40 steps each) agree bit for bit",
        "error": "error: run 1 of 2 exited with code 3",
        "unproven": "different: step 3, gradients: embedding.weight.grad (aten::embedding_dense_backward at train.py:16); "
        "cause: torch.kernels at train.py:11 (not proven)",
        "race": "different: step 3, gradients: embedding.weight.grad (aten::embedding_dense_backward at train.py:16); "
        "cause not found",
        "interrupted": "interrupted after 2 runs; until then: different",
        "interrupted_early": "interrupted after 1 run",
        "output_only": "different: step 0, output: stdout line 3; cause not found",
        "died": "different: step 7; cause not found",
    }


def test_what_a_factor_is_comes_from_the_factor() -> None:
    assert words.what("no.such") is None
