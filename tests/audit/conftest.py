"""Three small repositories, and `doctor` called on copies of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from reprotest.cli import main

REPOS = Path(__file__).parent / "repos"


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], Path]:
    """A copy of one of the repositories, outside of any git repository."""

    def make(name: str) -> Path:
        return Path(shutil.copytree(REPOS / name, tmp_path / name))

    return make


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """`python -m reprotest doctor`: exit code, standard output, standard error."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        code = main(["doctor", *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
