"""Arguments and variables that whatever starts the program makes up anew for every run."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import reprotest
from reprotest.result import RunReport

PROGRAM = """
import os, sys
import reprotest

reprotest.observe("seed", sys.argv[-1] + os.environ.get("SEED", ""))
"""


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], RunReport]:
    """Run the program by this line of a shell script."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(PROGRAM)

    def start(line: str) -> RunReport:
        (tmp_path / "train.sh").write_text(f'python() {{ {shlex.quote(sys.executable)} "$@"; }}\n{line}\n')
        return reprotest.run(["--", "bash", "train.sh"])

    return start


def told(report: RunReport) -> list[tuple[str, bool]]:
    return [(cause.factor, cause.proven) for cause in report.causes]


def test_other_arguments(start: Callable[[str], RunReport]) -> None:
    report = start("python train.py --seed $(date +%N)")
    assert told(report) == [("external.state", False)]
    assert "other arguments every time (--seed " in report.causes[0].evidence


def test_another_value_of_a_variable(start: Callable[[str], RunReport]) -> None:
    report = start("SEED=$(date +%N) python train.py")
    assert told(report) == [("environment", False)]
    assert "the variable SEED" in report.causes[0].evidence


def test_a_secret_is_not_told(start: Callable[[str], RunReport], tmp_path: Path) -> None:
    report = start("TOKEN=a$(date +%N)b API_KEY=c python train.py --password d$(date +%N)e")
    assert report.verdict == "different"
    assert told(report) == []
    kept = [path.read_text() for path in (tmp_path / ".reprotest").rglob("watch/*.json")]
    assert kept
    assert not any("API_KEY" in text for text in kept)
