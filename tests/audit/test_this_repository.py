"""This repository passes its own checklist; CI runs this. And the list of checks in the documents is the one that is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reprotest.audit.checks import all_checks
from reprotest.audit.finding import Severity

ROOT = Path(__file__).parents[2]


def test_no_finding_above_note(doctor: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = doctor(ROOT)
    assert code == 0, out + err


def test_every_check_says_why_and_what_to_do() -> None:
    for check in all_checks():
        assert check.source.startswith("https://"), check.id
        assert check.why, check.id
        assert check.fix, check.id
        assert not check.title.endswith("."), check.id
        assert isinstance(check.severity, Severity)


def test_every_check_is_in_the_documents() -> None:
    text = (ROOT / "docs" / "doctor.md").read_text()
    assert [check.id for check in all_checks() if f"| `{check.id}` |" not in text] == []
