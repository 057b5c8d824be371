"""The locks that package managers write, and whether they are in step with what the project asks for."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprotest.audit.repository import Repository

LOCKS = ("poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "conda-lock.yml", "pixi.lock")
"""Files that pin everything, transitive packages too."""


def poetry_content_hashes(pyproject: dict[str, Any]) -> set[str]:
    """Poetry's digest of what decides its lock (`Locker._get_content_hash`): the one of Poetry 1 and 2, or those that Poetry 2
    gives for a [project] table, whose shape has changed between its releases."""
    poetry = pyproject.get("tool", {}).get("poetry", {})
    project = {key: value for key in _OF_PROJECT if (value := pyproject.get("project", {}).get(key)) is not None}
    groups = pyproject.get("dependency-groups", {})
    if not project and not groups:
        content = {key: poetry.get(key) for key in _OF_POETRY}
        return {_digest(content | ({"group": poetry["group"]} if "group" in poetry else {}))}
    own = {key: poetry[key] for key in (*_OF_POETRY, "group") if key in poetry}
    content = ({"project": project} if project else {}) | ({"dependency-groups": groups} if groups else {})
    return {_digest({**content, "tool": {"poetry": own}}), *([] if own else [_digest(content)])}


_OF_POETRY = ("dependencies", "source", "extras", "dev-dependencies")
_OF_PROJECT = ("requires-python", "dependencies", "optional-dependencies")


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def out_of_step(repository: Repository, lock: str) -> str | None:
    """Why the lock does not belong to the present pyproject.toml; None when it does, or when that cannot be told."""
    try:
        content = tomllib.loads(repository.text(lock)) if lock.endswith((".lock", ".toml")) else {}
    except tomllib.TOMLDecodeError:
        return f"{lock} is not valid TOML"
    if lock == "poetry.lock":
        stated = content.get("metadata", {}).get("content-hash")
        if stated is None:
            return "poetry.lock has no content hash: it is no lock of Poetry's"
        current = stated in poetry_content_hashes(repository.pyproject)
        return None if current else "pyproject.toml has changed since poetry.lock was made"
    if lock == "uv.lock":
        return _uv(content, repository.pyproject)
    return None


def _uv(content: dict[str, Any], pyproject: dict[str, Any]) -> str | None:
    project = pyproject.get("project", {})
    name = canonical(str(project.get("name", "")))
    own = next((p for p in content.get("package", []) if p.get("name") == name), None)
    if own is None:
        return None
    locked = {canonical(item["name"]) for item in own.get("metadata", {}).get("requires-dist", [])}
    locked |= {canonical(item["name"]) for item in own.get("dependencies", [])}
    asked = {requirement_name(line) for line in project.get("dependencies", [])}
    lacking = sorted(asked - locked)
    return f"uv.lock lacks {', '.join(lacking)}, which pyproject.toml asks for" if lacking else None


def requirement_name(line: str) -> str:
    found = re.match(r"[A-Za-z0-9][\w.-]*", line.strip())
    return canonical(found[0]) if found else ""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
