"""docs/practices.md names tests, checks, commands and zoo cases that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "practices.md").read_text()
TABLE = TEXT.split("<!-- begin practices -->")[1].split("<!-- end practices -->")[0]
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))


@pytest.mark.parametrize(("file", "name"), TESTS, ids=[name for _, name in TESTS])
def test_every_named_test_exists(file: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file} has no {name}"


def test_every_practice_is_shown_by_a_test() -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.strip().splitlines()[2:]]
    assert len(rows) > 40
    for practice, how, shown in rows:
        assert practice.startswith("**") or (how and "::" in shown), practice


def test_every_named_check_of_doctor_exists() -> None:
    known = set(re.findall(r"^\| `([\w.-]+)` \|", (ROOT / "docs" / "doctor.md").read_text(), re.MULTILINE))
    named = {
        check
        for part in re.findall(r"doctor: ((?:`[\w.-]+`(?:, )?)+)", TEXT)
        for check in re.findall(r"`([^`]+)`", part)
    }
    assert len(known) > 30
    assert named <= known, sorted(named - known)


def test_every_named_verb_and_case_exists() -> None:
    for verb in set(re.findall(r"python -m reprotest ([a-z]+)", TEXT)):
        assert (ROOT / "src" / "reprotest" / "verbs" / f"{verb}.py").is_file(), verb
    for case in set(re.findall(r"tests/zoo/(\d\w+)`", TEXT)):
        assert (ROOT / "tests" / "zoo" / case).is_dir(), case
