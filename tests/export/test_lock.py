from __future__ import annotations

from pathlib import Path

import pytest

from reprotest.errors import UsageError
from reprotest.export.lock import read_lock


def test_packages_of_groups(project: Path) -> None:
    lock = read_lock(project)
    assert (lock.project, lock.python, lock.python_versions) == ("My Project", "3.11", ">=3.11,<3.15")
    assert lock.groups == ("dev", "docs", "main")
    assert [package.name for package in lock.packages(["main"])] == ["idna", "torch", "split"]
    assert [package.name for package in lock.packages(["docs"])] == ["split"]
    idna, torch, _ = lock.packages(["main"])
    assert idna.hashes == ("sha256:AAA", "sha256:BBB")
    assert (torch.marker, torch.index) == ("sys_platform == 'linux'", "https://download.pytorch.org/whl/cpu")


@pytest.mark.parametrize(
    ("groups", "marker"),
    [
        (["main"], "(python_version < '3.12')"),
        (["main", "dev"], "(python_version < '3.13') or (python_version < '3.12')"),
        (["main", "docs"], ""),
    ],
)
def test_markers_differ_by_group(groups: list[str], marker: str, project: Path) -> None:
    assert read_lock(project).packages(groups)[-1].marker == marker


@pytest.mark.parametrize(
    ("versions", "stated", "python"),
    [
        (">=3.11,<3.15", None, "3.11"),
        ("^3.12", None, "3.12"),
        ("<3.14,>=3.10.2", None, "3.10"),
        (">=3.11", "3.12.4\n", "3.12"),
        ("==3.11.*", None, "3.11"),
    ],
)
def test_the_python_version(versions: str, stated: str | None, python: str, project: Path) -> None:
    lock = project / "poetry.lock"
    lock.write_text(lock.read_text().replace(">=3.11,<3.15", versions))
    if stated:
        (project / ".python-version").write_text(stated)
    assert read_lock(project).python == python


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('groups = ["main"]\n', "", "run `poetry lock` of Poetry 2"),
        (
            'type = "legacy"',
            'type = "git"',
            "torch 2.13.0\\+cpu comes from git .*: its files have no hashes in the lock",
        ),
        ("content-hash", "hash", "is no lock of Poetry's: run `poetry lock`"),
        ("[[package]]", "[[package", "cannot be read"),
        (">=3.11,<3.15", "*", "expected a lower bound such as >=3.11, or a file .python-version"),
    ],
)
def test_locks_that_cannot_be_exported(old: str, new: str, said: str, project: Path) -> None:
    lock = project / "poetry.lock"
    lock.write_text(lock.read_text().replace(old, new))
    with pytest.raises(UsageError, match=said):
        read_lock(project).packages(["main"])


def test_what_is_not_there(project: Path) -> None:
    with pytest.raises(UsageError, match="has no group gpu; there are dev, docs, main"):
        read_lock(project).packages(["gpu"])
    (project / "poetry.lock").unlink()
    with pytest.raises(UsageError, match=r"there is no poetry.lock in .*: run `poetry lock`"):
        read_lock(project)
    with pytest.raises(UsageError, match=r"there is no pyproject.toml|there is no poetry.lock"):
        read_lock(project / "nowhere")
