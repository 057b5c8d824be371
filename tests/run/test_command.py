"""What the user types becomes the process to start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reprotest.errors import CommandError
from reprotest.run.command import parse_command


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text("import sys; print(sys.argv, __name__)")
    (tmp_path / "notes.txt").write_text("print('no suffix, not executable')")
    tool = tmp_path / "train.sh"
    tool.write_text("#!/bin/sh\necho shell\n")
    tool.chmod(0o755)
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__main__.py").write_text("print('package')")
    (package / "__init__.py").write_text("")
    (package / "jobs.py").write_text("def main():\n    import sys; print('called', sys.argv)\n    return 1.5\n")
    (tmp_path / "plain").mkdir()
    return tmp_path


def output(project: Path, *tokens: str, program: bool = False) -> str:
    command = parse_command(tokens, program=program, cwd=str(project))
    return subprocess.run(command.argv, cwd=command.cwd, capture_output=True, text=True, check=True).stdout.strip()


def test_a_script_sees_its_own_arguments_and_is_main(project: Path) -> None:
    assert output(project, "train.py", "--epochs", "3") == "['train.py', '--epochs', '3'] __main__"


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (["-m", "pkg"], "package"),
        (["pkg"], "package"),
        (["notes.txt"], "no suffix, not executable"),
        (["train.sh"], "shell"),
        (["./train.sh"], "shell"),
        (["pkg.jobs:main", "x"], "called ['pkg.jobs:main', 'x']"),
    ],
)
def test_every_kind_of_command_runs(project: Path, tokens: list[str], expected: str) -> None:
    assert output(project, *tokens) == expected


def test_after_two_dashes_the_first_word_is_a_program(project: Path) -> None:
    assert output(project, "sh", "train.sh", program=True) == "shell"
    assert output(project, "python", "-c", "import sys; print(sys.executable)", program=True) == sys.executable


@pytest.mark.parametrize(
    ("tokens", "program", "says"),
    [
        ([], False, "no command given"),
        (["missing.py"], False, "no script missing.py"),
        (["some/where/train"], False, "no script"),
        (["-m"], False, "needs the name of a module"),
        (["plain"], False, "without __main__.py"),
        (["no-such-program-at-all"], False, "neither a file here nor a program"),
        (["./notes.txt"], True, "not executable"),
        (["./nothing"], True, "no program"),
    ],
)
def test_what_cannot_be_started_is_named(project: Path, tokens: list[str], program: bool, says: str) -> None:
    with pytest.raises(CommandError, match=says):
        parse_command(tokens, program=program, cwd=str(project))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_script_is_named(project: Path) -> None:
    (project / "train.py").chmod(0)
    with pytest.raises(CommandError, match="permission denied"):
        parse_command(["train.py"], cwd=str(project))
