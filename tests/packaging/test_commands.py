"""The commands that everybody types: Makefile and .ci/run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def outside_of_make() -> dict[str, str]:
    """The environment without what an outer make, which may run these tests, tells an inner one."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}


def make(*arguments: str, cwd: Path = ROOT) -> str:
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=cwd, env=outside_of_make(), check=True, capture_output=True, text=True).stdout


def test_help_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = set(" ".join(re.findall(r"^\.PHONY:(.*)$", text, flags=re.MULTILINE)).split())
    assert set(re.findall(r"^  make (\S+) +\S", make("help"), flags=re.MULTILINE)) >= targets - {"help"}
    assert make("help") == make()


def test_ci_runs_exactly_make_test(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    (tmp_path / "Makefile").write_text("test:\n\t@echo tested; exit 7\n")
    command = ["bash", ".ci/run"]
    done = subprocess.run(command, cwd=tmp_path, env=outside_of_make(), capture_output=True, text=True)
    assert done.stdout == "tested\n"
    assert done.returncode != 0


def test_pytest_is_last_so_that_its_summary_ends_the_output(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "nix.mk").write_text("TEST_EXTRA += check-nix\ncheck-nix: ; nix-checks\n")
    commands = make("--dry-run", "test", cwd=tmp_path).splitlines()
    order = [next(i for i, line in enumerate(commands) if word in line) for word in ("ruff", "mypy", "nix-checks")]
    assert order == sorted(order)
    assert "-m pytest" in commands[-1]


@pytest.mark.parametrize(
    ("broken", "mended", "code", "words"),
    [
        (1, 0, 0, "As expected"),
        (0, 0, 1, "NOT as expected: train.py should exit 1 (different) and exited 0"),
        (1, 1, 1, "train_fixed.py should exit 0 (identical) and exited 1"),
    ],
)
def test_run_shows_both_examples_and_judges_them(
    tmp_path: Path, broken: int, mended: int, code: int, words: str
) -> None:
    """The demonstration itself is run by `make run`; here its verdict, with a stand-in for the environment's Python."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "demo", tmp_path / "scripts" / "demo")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "ran $*"\ncase "$*" in *_fixed.py) exit {mended};; esac; exit {broken}\n')
    python.chmod(0o755)
    done = subprocess.run([tmp_path / "scripts" / "demo"], capture_output=True, text=True)
    assert done.returncode == code
    assert words in done.stdout
    assert "ran -m reprotest run examples/digits_cnn/train.py" in done.stdout
    assert "ran -m reprotest run examples/digits_cnn/train_fixed.py" in done.stdout
