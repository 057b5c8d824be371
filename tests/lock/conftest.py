from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.documents import checked

from reprotest import cli

TRAIN = """\
import sys
import reprotest
rate = float(open("rate.txt").read())
x = 1.0
for step in range(6):
    x *= rate
    reprotest.observe("loss", x)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project with a script that repeats."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "rate.txt").write_text("0.9")
    monkeypatch.chdir(tmp_path)
    for name in ("OMP_NUM_THREADS", "PYTHONHASHSEED"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def call(project: Path) -> Callable[..., tuple[int, Any]]:
    """Run a verb: its exit code and its document."""

    def run(verb: str, *arguments: str) -> tuple[int, Any]:
        target = project / ".git" / "result.json"
        target.unlink(missing_ok=True)
        code = cli.main([verb, "--quiet", "--json", str(target), *arguments])
        return code, checked(target) if target.exists() else None

    return run
