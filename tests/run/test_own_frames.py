"""A failing program's traceback is shown as it would be without us."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import reprotest
from reprotest.run.own_frames import without_own_frames

PROGRAM = """
import random

def read(path):
    return open(path).read()

random.seed(read("not_there.txt"))
"""


def test_the_error_of_a_program_that_calls_what_we_replaced_names_its_own_frames_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(PROGRAM)
    bare = subprocess.run([sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True)
    report = reprotest.run("train.py")
    assert report.error is not None
    assert "/reprotest/" not in report.error
    assert [line for line in report.error.splitlines() if "not_there" in line] == [
        line for line in bare.stderr.splitlines() if "not_there" in line
    ]
    assert report.error.count('  File "') == bare.stderr.count('  File "') == 2


def test_other_text_stays_as_it_is() -> None:
    other = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    f()\nValueError: reprotest\n'
    assert without_own_frames(other) == other
    assert without_own_frames("") == ""
