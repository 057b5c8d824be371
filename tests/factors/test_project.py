"""Configuration and code of the project, as the manifest names them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reprotest.factors import factor


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def test_the_digest_of_the_configuration_follows_its_content(project: Path) -> None:
    assert factor("config").read() == {}
    (project / "reprotest.yaml").write_text("a: 1\n")
    (project / "configs").mkdir()
    (project / "configs" / "train.yaml").write_text("lr: 0.1\n")
    first = factor("config").read()
    assert sorted(first) == ["configs/train.yaml", "reprotest.yaml"]
    (project / "configs" / "train.yaml").write_text("lr: 0.2\n")
    second = factor("config").read()
    assert [name for name in first if first[name] != second[name]] == ["configs/train.yaml"]


def test_a_commit_and_what_was_changed_since(project: Path) -> None:
    assert factor("code").read() == {"commit": None}
    git("init", "-q")
    assert factor("code").read() == {"commit": None}
    (project / "train.py").write_text("x = 1\n")
    git("add", ".")
    git("commit", "-qm", "one")
    clean = factor("code").read()
    assert len(clean["commit"]) == 40
    assert (clean["changed_files"], clean["changes_sha256"]) == (0, None)
    (project / "train.py").write_text("x = 2\n")
    changed = factor("code").read()
    assert changed["commit"] == clean["commit"]
    assert changed["changed_files"] == 1
    (project / "train.py").write_text("x = 3\n")
    assert factor("code").read()["changes_sha256"] != changed["changes_sha256"]


def test_no_git_is_no_error(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))
    assert factor("code").read() == {"commit": None}
