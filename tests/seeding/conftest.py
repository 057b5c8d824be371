"""Programs are run in processes of their own: frameworks are slow to import, warn, and stay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(autouse=True)
def _process_left_as_it_was() -> Iterator[None]:
    """Seed control is about the whole process; other tests run in it too."""
    from reprotest.factors import all_factors
    from reprotest.seeding import control

    undo = [factor.undo() for factor in all_factors()]
    before = control._current
    yield
    control._current = before
    for back in reversed(undo):
        back()


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python: `python("source")` or `python(["-m", "module"])`."""

    def start(
        what: str | list[str], *, env: dict[str, str | None] | None = None, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        words = what
        if isinstance(words, str):
            (tmp_path / "program.py").write_text(textwrap.dedent(words))
            words = ["program.py"]
        drop = ("PYTHONHASHSEED", "PYTEST_CURRENT_TEST", "OMP_NUM_THREADS", "CUBLAS_WORKSPACE_CONFIG")
        variables: dict[str, str | None] = {name: value for name, value in os.environ.items() if name not in drop}
        variables |= env or {}
        return subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env={name: value for name, value in variables.items() if value is not None},
            input=stdin,
            text=True,
            capture_output=True,
            timeout=200,
        )

    return start


@pytest.fixture(scope="session")
def run_program() -> Callable[[str], Any]:
    """The JSON that a program of `programs/` prints."""

    def run(name: str) -> Any:
        done = subprocess.run([sys.executable, str(PROGRAMS / name)], text=True, capture_output=True, timeout=280)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run
