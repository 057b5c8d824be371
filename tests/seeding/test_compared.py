"""The table of docs/seeding.md: what the functions that people use do, measured by calling the real ones, cell by cell."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.integration]

DOCS = Path(__file__).parents[2] / "docs" / "seeding.md"
NEEDED = ("accelerate", "jax", "lightning", "tensorflow", "transformers")


def table() -> list[tuple[str, str, str]]:
    """(fact, function, "yes" or "no") of every cell."""
    text = DOCS.read_text().split("<!-- begin compared -->")[1].split("<!-- end compared -->")[0]
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.strip().splitlines()]
    head, body = rows[0], rows[2:]
    return [(row[0], name, cell) for row in body for name, cell in zip(head[1:], row[1:], strict=True)]


@pytest.fixture(scope="module")
def measured(run_program: Any) -> Any:
    for name in NEEDED:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    return run_program("peers.py")


@pytest.mark.parametrize(
    ("fact", "function", "cell"),
    table(),
    ids=[re.sub(r"\W+", "-", f"{fact}-{function}").strip("-") for fact, function, _ in table()],
)
def test_cell(measured: Any, fact: str, function: str, cell: str) -> None:
    assert cell in ("yes", "no")
    assert measured[function][fact] is (cell == "yes")


def test_nothing_that_was_measured_is_left_out(measured: Any) -> None:
    assert {(fact, function) for fact, function, _ in table()} == {
        (fact, function) for function, facts in measured.items() for fact in facts
    }
