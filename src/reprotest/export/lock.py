"""What poetry.lock and pyproject.toml pin."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprotest.errors import UsageError

LOCK = "poetry.lock"
PYPROJECT = "pyproject.toml"
MAIN = "main"


@dataclass(frozen=True)
class Package:
    """One locked package.

    Attributes:
        name, version: as locked.
        marker: the environment marker under which it is installed, empty for everywhere.
        hashes: "sha256:…" of every file.
        wheels: whether there is a wheel, so that nothing needs to be built.
        index: the package index that it comes from when that is not the default one.
        url: the file itself, for a package that is locked by address.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    wheels: bool
    index: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Lock:
    """A project's lock.

    Attributes:
        folder: the project.
        project: its name.
        python: the Python to use, "3.11".
        python_versions: those that the lock is for, ">=3.11,<3.15".
        content_hash: Poetry's digest of what pyproject.toml asks for.
        groups: the names of its dependency groups.
    """

    folder: Path
    project: str
    python: str
    python_versions: str
    content_hash: str
    groups: tuple[str, ...]
    _packages: tuple[dict[str, Any], ...]

    def packages(self, groups: Iterable[str]) -> list[Package]:
        """The packages of these groups by name.

        Raises:
            UsageError: a group that there is not, or a package whose files cannot be checked by hash.
        """
        wanted = tuple(groups)
        unknown = [group for group in wanted if group not in self.groups]
        if unknown:
            raise UsageError(f"{LOCK} has no group {', '.join(unknown)}; there are {', '.join(self.groups)}")
        return [_package(entry, wanted) for entry in self._packages if set(entry.get("groups", [MAIN])) & set(wanted)]

    def has(self, name: str, groups: Iterable[str]) -> bool:
        return any(package.name == name for package in self.packages(groups))


def read_lock(folder: Path) -> Lock:
    """The lock of a project.

    Raises:
        UsageError: there is none, it is not one, or it is older than lock version 2.0 (Poetry 1.8 and before state no groups).
    """
    lock, project = _toml(folder / LOCK), _toml(folder / PYPROJECT)
    metadata = lock.get("metadata", {})
    packages = lock.get("package", [])
    if "content-hash" not in metadata or not isinstance(packages, list):
        raise UsageError(f"{folder / LOCK} is no lock of Poetry's: run `poetry lock`")
    if any("groups" not in entry for entry in packages):
        raise UsageError(
            f"{folder / LOCK} does not say which group a package belongs to: run `poetry lock` of Poetry 2"
        )
    poetry = project.get("tool", {}).get("poetry", {})
    name = project.get("project", {}).get("name") or poetry.get("name") or folder.resolve().name
    versions = str(metadata.get("python-versions", ""))
    groups = {group for entry in packages for group in entry["groups"]} | {MAIN}
    return Lock(
        folder,
        str(name),
        _python(folder, versions),
        versions,
        str(metadata["content-hash"]),
        tuple(sorted(groups)),
        tuple(packages),
    )


def _python(folder: Path, versions: str) -> str:
    """`.python-version` where there is one, else the oldest that the lock is for: what all of its packages support."""
    stated = folder / ".python-version"
    text = stated.read_text(encoding="utf-8").strip() if stated.is_file() else versions
    found = re.search(r"(?<![<!>\d.])(?:>=|\^|~=?|==|^)\s*(3\.\d+)", text)
    if found is None:
        raise UsageError(
            f"{LOCK} is for Python {versions!r}: expected a lower bound such as >=3.11, or a file .python-version"
        )
    return found[1]


def _package(entry: dict[str, Any], groups: tuple[str, ...]) -> Package:
    markers = entry.get("markers", "")
    if isinstance(markers, dict):  # a group that is not listed needs the package everywhere
        own = [group for group in entry["groups"] if group in groups]
        everywhere = any(group not in markers for group in own)
        markers = "" if everywhere else " or ".join(dict.fromkeys(f"({markers[group]})" for group in own))
    source = entry.get("source", {})
    kind = source.get("type", "")
    files = entry.get("files", [])
    if kind not in ("", "legacy", "url") or not files:
        raise UsageError(
            f"{entry['name']} {entry['version']} comes from {kind or 'nowhere'} ({source.get('url', 'no files')}): its files have no "
            "hashes in the lock, so that nobody can check them; lock a released version, or leave its group out"
        )
    return Package(
        entry["name"],
        entry["version"],
        markers,
        tuple(file["hash"] for file in files),
        any(file["file"].endswith(".whl") for file in files),
        source["url"] if kind == "legacy" else None,
        source["url"] if kind == "url" else None,
    )


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        advice = "run `poetry lock`" if file.name == LOCK else "go to the project's folder"
        raise UsageError(f"there is no {file.name} in {file.parent.resolve()}: {advice}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error
