"""Installed packages, as the manifest names them."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from pathlib import Path

import pytest

from reprotest.factors import factor


def test_every_package_is_named_with_the_version_that_its_metadata_has() -> None:
    found = factor("packages").read()
    for name in ("numpy", "pytest", "hypothesis", "pydantic"):
        assert found[name] == importlib.metadata.version(name)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder at the front of the path, into which packages can be laid."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def lay(folder: Path, name: str, version: str, **files: object) -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    for file, content in files.items():
        (info / f"{file}.json").write_text(content if isinstance(content, str) else json.dumps(content))


def test_the_first_on_the_path_counts(installed: Path) -> None:
    lay(installed, "NumPy", "0.0.1")
    assert factor("packages").read()["numpy"] == "0.0.1"


def test_where_a_package_came_from_is_said_when_the_version_does_not(installed: Path) -> None:
    lay(installed, "one_editable", "1.0", direct_url={"url": "file:///x", "dir_info": {"editable": True}})
    lay(
        installed,
        "two.vcs",
        "2.0",
        direct_url={
            "url": "https://me:secretword@example.org/r.git",
            "vcs_info": {"vcs": "git", "commit_id": "abc123"},
        },
    )
    lay(installed, "three", "3.0", direct_url={"url": "https://x", "archive_info": {"hashes": {"sha256": "feed"}}})
    lay(installed, "four", "4.0", direct_url="not json")
    found = factor("packages").read()
    assert found["one-editable"] == "1.0 (editable)"
    assert found["two-vcs"] == "2.0 (https://me:***@example.org/r.git@abc123)"
    assert found["three"] == "3.0 (sha256:feed)"
    assert found["four"] == "4.0"


def test_the_remains_of_a_removed_package_do_no_harm(installed: Path) -> None:
    (installed / "gone.dist-info").mkdir()
    (installed / "~roken-1.dist-info").mkdir()
    factor("packages").read()
