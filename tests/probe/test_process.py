"""What a process tells of itself by how it was started."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

import reprotest
from reprotest.probe import process


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("-c x", "<string>"),
        ("-uc x", "<string>"),
        ("-W ignore -c x", "<string>"),
        ("-", "<stdin>"),
        ("- argument", "<stdin>"),
        ("-Xdev -", "<stdin>"),
        ("", "<stdin>"),
        ("train.py -c", None),
        ("-m module -c", None),
        ("-um module", None),
        ("-X dev -W error train.py", None),
    ],
)
def test_code_that_was_typed(monkeypatch: pytest.MonkeyPatch, words: str, name: str | None) -> None:
    monkeypatch.delenv(process.PARENT, raising=False)
    monkeypatch.setattr(sys, "orig_argv", ["python", *words.split()])
    assert process.typed_code() == name


def test_what_a_python_of_the_run_starts_is_not_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(process.PARENT, "main")
    monkeypatch.setattr(sys, "orig_argv", ["python", "-c", "from multiprocessing.spawn import spawn_main"])
    assert process.typed_code() is None


@pytest.mark.parametrize(
    ("line", "location"),
    [
        ("python - <<EOF\nimport time\nprint(hash(time.time()))\nEOF", "<stdin>:2"),
        ("python -c 'import time; print(hash(time.time()))'", "<string>:1"),
    ],
)
def test_a_clock_is_held_in_code_that_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, location: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.sh").write_text(f'python() {{ {shlex.quote(sys.executable)} "$@"; }}\n{line}\n')
    report = reprotest.run(["--", "bash", "train.sh"])
    assert [(c.factor, c.proven, c.location) for c in report.causes] == [("clock", True, location)]
