"""Varies small programs, in folders of their own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.documents import checked


@pytest.fixture
def varied(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Write a program to `train.py`, vary it by the command line, and return the document, with the exit code under "code"."""

    def vary(source: str, *options: str, environment: dict[str, str | None] | None = None) -> dict[str, Any]:
        import os

        (tmp_path / "train.py").write_text(textwrap.dedent(source).lstrip())
        environ = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        for name, value in (environment or {}).items():
            if value is None:
                environ.pop(name, None)
            else:
                environ[name] = value
        done = subprocess.run(
            [sys.executable, "-m", "reprotest", "vary", "--json", "-", *options, "train.py"],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.stdout, done.stderr
        return {**checked(done.stdout), "code": done.returncode, "shown": done.stderr}

    return vary
