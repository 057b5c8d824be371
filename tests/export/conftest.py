from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reprotest.cli import main

LOCK = """\
[[package]]
name = "idna"
version = "3.20"
optional = false
python-versions = ">=3.8"
groups = ["main", "dev"]
files = [
    {file = "idna-3.20-py3-none-any.whl", hash = "sha256:AAA"},
    {file = "idna-3.20.tar.gz", hash = "sha256:BBB"},
]

[[package]]
name = "torch"
version = "2.13.0+cpu"
optional = false
python-versions = ">=3.10"
groups = ["main"]
markers = "sys_platform == 'linux'"
files = [
    {file = "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl", hash = "sha256:CCC"},
]

[package.source]
type = "legacy"
url = "https://download.pytorch.org/whl/cpu"
reference = "pytorch-cpu"

[[package]]
name = "split"
version = "1.0"
optional = false
python-versions = ">=3.8"
groups = ["dev", "main", "docs"]
files = [{file = "split-1.0.tar.gz", hash = "sha256:DDD"}]

[package.markers]
main = "python_version < '3.12'"
dev = "python_version < '3.13'"

[metadata]
lock-version = "2.1"
python-versions = ">=3.11,<3.15"
content-hash = "0123456789abcdef"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a small lock, which is the working directory."""
    (tmp_path / "poetry.lock").write_text(LOCK)
    (tmp_path / "pyproject.toml").write_text('[tool.poetry]\nname = "My Project"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def export(project: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run `export` with arguments; exit code, standard output, standard error."""

    def run(*arguments: Any) -> tuple[int, str, str]:
        code = main(["export", *map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
