from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reprotest.lock.runs import laboratory, run_once
from reprotest.options import ignore
from reprotest.run.command import parse_command


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("OMP_NUM_THREADS", "ATEN_CPU_CAPABILITY", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def record(project: Path) -> Callable[[str], str]:
    """Run a script once and seal its record: the record's name."""

    def run(script: str) -> str:
        with laboratory(parse_command([script]), ignore) as lab:
            done = run_once(lab, None, 60)
        assert done.failed is None, done.failed
        return done.trial.replica.run_dir.name

    return run


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """A repository with a training script; commit(text of lib.py, …) gives the commit's hash."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=n", "-c", "user.email=e@x", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / ".gitignore").write_text("data/\n.reprotest/\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.txt").write_text("49")
    (tmp_path / "train.py").write_text(
        "import lib, reprotest\nx = float(open('data/x.txt').read())\nfor i in range(4): reprotest.observe('x', lib.f(x, i))\n"
    )

    def commit(lib: str, subject: str = "change") -> str:
        (tmp_path / "lib.py").write_text(lib)
        git("add", "-A")
        git("commit", "-q", "--allow-empty", "-m", subject)
        return git("rev-parse", "HEAD")

    return commit
