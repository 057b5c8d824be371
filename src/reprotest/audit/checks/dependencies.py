"""Packages: stated, pinned, with all that they need in turn, by hash, and in step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from reprotest.audit.checks import check
from reprotest.audit.finding import Found, Severity
from reprotest.audit.locks import LOCKS, out_of_step
from reprotest.audit.repository import Repository
from reprotest.errors import UsageError
from reprotest.factors import factor

_SECURE = "https://pip.pypa.io/en/stable/topics/secure-installs/"
_LOCK = factor("packages").fix
_REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(?P<version>[^;#\\]*)")
_EXACT = re.compile(r"^(===?)\s*[\w.+!-]+$|^@\s")


def _requirements(repository: Repository) -> list[str]:
    names = repository.matching("requirements*.txt")
    return [path for path in names if "/" not in path and not re.search(r"dev|test|doc|lint", path)]


def _environments(repository: Repository) -> list[str]:
    return [path for path in repository.matching("environment*.yml", "environment*.yaml") if "/" not in path]


def _locked(repository: Repository) -> str | None:
    return repository.first(*LOCKS)


@check(
    "dependencies.stated",
    Severity.ERROR,
    title="The project states its dependencies",
    why="who cannot tell which packages a training needs cannot repeat it",
    source="https://packaging.python.org/en/latest/tutorials/managing-dependencies/",
    fix="state them in pyproject.toml and lock them: poetry init && poetry lock",
)
def stated(repository: Repository) -> Iterator[Found]:
    project = repository.pyproject
    told = _asks(project) or _requirements(repository) or _environments(repository) or _locked(repository)
    if not told and not repository.first("setup.py", "setup.cfg", "Pipfile"):
        yield Found("no file states the packages that the project needs", "pyproject.toml")


def _asks(project: dict[str, Any]) -> bool:
    """Does pyproject.toml ask for any package?"""
    return bool(
        project.get("project", {}).get("dependencies") or project.get("tool", {}).get("poetry", {}).get("dependencies")
    )


@check(
    "dependencies.pinned",
    Severity.ERROR,
    title="Every stated package has one exact version",
    why="a range is resolved anew at every installation: another day, other versions, other numbers",
    source="https://pip.pypa.io/en/stable/topics/repeatable-installs/",
    fix="pin with ==, or better: " + _LOCK,
)
def pinned(repository: Repository) -> Iterator[Found]:
    for path in _requirements(repository):
        for number, line in enumerate(repository.text(path).splitlines(), 1):
            found = _REQUIREMENT.match(line.strip())
            if found and not line.startswith((" ", "\t", "-")) and not _EXACT.match(found["version"].strip()):
                yield Found(f"{found['name']} has no exact version", path, number)
    for path in _environments(repository):
        yield from _unpinned_conda(repository, path)


def _unpinned_conda(repository: Repository, path: str) -> Iterator[Found]:
    inside = False
    for number, line in enumerate(repository.text(path).splitlines(), 1):
        if re.match(r"^\S", line):
            inside = line.startswith("dependencies:")
        entry = re.match(r"^\s+-\s+([\w.:/-]+)\s*([^#]*?)\s*(?:#.*)?$", line) if inside else None
        if entry and not entry[1].endswith(":") and entry[1] != "pip" and not entry[1].startswith("-"):
            name = entry[1].rpartition("::")[2]
            if not re.match(r"^={1,3}[\w.]", entry[2]) and "=" not in name:
                yield Found(f"{name} has no exact version", path, number)


@check(
    "dependencies.locked",
    Severity.ERROR,
    title="What the packages need in turn is pinned too",
    why="most of what is installed is transitive: NumPy comes with PyTorch, and its version changes numbers",
    source="https://python-poetry.org/docs/basic-usage/#installing-with-poetrylock",
    fix=_LOCK + "; poetry lock, uv lock or pip-compile --generate-hashes writes one",
)
def locked(repository: Repository) -> Iterator[Found]:
    if _locked(repository):
        return
    if _asks(repository.pyproject):
        line = repository.line("pyproject.toml", r"^\[(project|tool\.poetry\.dependencies)\]")
        if not any(_closed(repository.text(path)) for path in _requirements(repository)):
            yield Found("pyproject.toml asks for packages and there is no lock", "pyproject.toml", line)
            return
    for path in _requirements(repository):
        if not _closed(repository.text(path)) and _REQUIREMENT.search(repository.text(path)):
            yield Found("nothing shows that the packages which these need in turn are listed", path)
    if not _requirements(repository):
        for path in _environments(repository):
            yield Found("environment.yml leaves transitive packages to the solver and there is no lock", path)


def _closed(text: str) -> bool:
    """Hashes, with which pip refuses a package that is not listed, or the traces of a resolver."""
    return "--hash=" in text or "# via" in text or "autogenerated by pip-compile" in text


@check(
    "dependencies.hashes",
    Severity.WARNING,
    title="Packages are checked against hashes",
    why="a version can be rebuilt or replaced; only the hash says that the file is the same",
    source=_SECURE,
    fix="python -m reprotest export requirements (from poetry.lock), or pip-compile --generate-hashes",
)
def hashes(repository: Repository) -> Iterator[Found]:
    if _locked(repository):
        return
    for path in _requirements(repository):
        text = repository.text(path)
        if "--hash=" not in text and _REQUIREMENT.search(text):
            yield Found("no package has a hash", path)


@check(
    "dependencies.in-step",
    Severity.ERROR,
    title="The lock belongs to the present pyproject.toml",
    why="installers refuse, or silently use, a lock that was made for other dependencies",
    source="https://python-poetry.org/docs/cli/#check",
    fix="lock anew: poetry lock (uv lock)",
)
def in_step(repository: Repository) -> Iterator[Found]:
    lock = _locked(repository)
    if lock is not None and repository.has("pyproject.toml"):
        why = out_of_step(repository, lock)
        if why is not None:
            yield Found(why, lock)


def _stale_exports(repository: Repository) -> list[tuple[str, str]]:
    """(path, new text) of exported files that are not what the locks say."""
    from reprotest.export.kinds import HEADER, OWN, Project
    from reprotest.export.lock import read_lock
    from reprotest.export.write import plan

    kinds = [kind for kind, file in OWN.items() if HEADER in repository.text(file.name)]
    if not kinds or not repository.has("poetry.lock"):
        return []
    try:
        planned = plan(Project(read_lock(repository.root)), kinds)
    except UsageError:
        return []
    return [(item.file.name, item.new) for item in planned if item.state != "current" and not item.foreign]


def _export(repository: Repository) -> Mapping[str, str]:
    return dict(_stale_exports(repository))


@check(
    "dependencies.exports",
    Severity.ERROR,
    title="Exported files are what the locks say",
    why="a requirements.txt or Dockerfile that is older than the lock installs another environment",
    source="https://pip.pypa.io/en/stable/topics/repeatable-installs/",
    fix="python -m reprotest export KIND",
    mend=_export,
)
def exports(repository: Repository) -> Iterator[Found]:
    for path, _ in _stale_exports(repository):
        yield Found("not what the locks say", path)


@check(
    "dependencies.versioned",
    Severity.ERROR,
    title="Locks and project files are under version control",
    why="a lock that git ignores is another one on every machine",
    source="https://python-poetry.org/docs/basic-usage/#committing-your-poetrylock-file-to-version-control",
    fix="take the rule out of .gitignore and commit the file",
)
def versioned(repository: Repository) -> Iterator[Found]:
    for path in (*LOCKS, "flake.lock", "pyproject.toml", "requirements.txt", "environment.yml"):
        if (repository.root / path).is_file() and repository.gitignore.ignores(path):
            yield Found(
                f"{path} is ignored by git", ".gitignore", repository.line(".gitignore", re.escape(path) + r"|\*\.lock")
            )
