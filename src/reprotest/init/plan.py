"""What `init` would write into a folder, and writing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from reprotest.config.project import find
from reprotest.errors import UsageError
from reprotest.export import merged

State = Literal["new", "extended", "replaced", "kept", "current"]


@dataclass(frozen=True)
class Step:
    """One file.

    Attributes:
        path: where, in the project.
        text: what it is to hold.
        state: new; extended (lines are added, none is taken away); kept (somebody's own file, not touched); replaced; current.
        why: for a file that is left out, why.
    """

    path: str
    text: str
    state: State
    why: str = ""


_LOCKED = ("pyproject.toml", "poetry.lock", "requirements.txt")
"""Belong together: a project that states its packages somewhere keeps its own."""
_STATED = ("pyproject.toml", "poetry.lock", "uv.lock", "requirements.txt", "environment.yml", "setup.py", "Pipfile")
_WHOLE = {
    "train.py": "train.py",
    "configs/baseline.yaml": "configs/baseline.yaml",
    "reprotest.yaml": "reprotest.yaml",
    "README.md": "README.md",
    "apt.txt": "apt.txt",
    ".python-version": "python-version",
    ".github/workflows/reproducibility.yml": "workflows/reproducibility.yml",
    "pyproject.toml": "pyproject.toml",
    "poetry.lock": "poetry.lock",
    "requirements.txt": "requirements.txt",
}
"""Path in the project → packaged file."""


def plan(folder: Path, replace: Callable[[str], bool] = lambda path: False) -> list[Step]:
    """What there is to do.

    Args:
        folder: the project, empty or not.
        replace: asked for every file that is there already and differs.
    """
    steps = []
    stated = [name for name in _STATED if (folder / name).is_file()]
    configured = _configured(folder)
    for path, packaged in _WHOLE.items():
        text = _packaged(packaged)
        old = _read(folder / path)
        if old == text:
            steps.append(Step(path, text, "current"))
        elif path in _LOCKED and stated and stated != list(_LOCKED) and old is None:
            steps.append(Step(path, text, "kept", f"packages are stated by {stated[0]}"))
        elif path == "reprotest.yaml" and configured is not None and old is None:
            steps.append(Step(path, text, "kept", f"experiments are configured in {configured}"))
        elif old is None:
            steps.append(Step(path, text, "new"))
        else:
            steps.append(Step(path, text, "replaced" if replace(path) else "kept"))
    for path, new in (
        (".gitignore", merged.ignored(_read(folder / ".gitignore") or "")),
        (".env.example", _example(folder)),
    ):
        old = _read(folder / path)
        steps.append(Step(path, new, "current" if old == new else "new" if old is None else "extended"))
    return sorted(steps, key=lambda step: step.path)


def write(folder: Path, steps: list[Step]) -> None:
    """Carry the plan out.

    Raises:
        UsageError: a file cannot be written.
    """
    for step in steps:
        if step.state in ("kept", "current"):
            continue
        target = folder / step.path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(step.text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{target} cannot be written: {error.strerror or error}") from error


def _example(folder: Path) -> str:
    """The project's own variables, and where results go when reprotest.yaml says so."""
    text = merged.env_example(folder, _read(folder / ".env.example") or "") if folder.is_dir() else ""
    if "MLFLOW_TRACKING_URI" in merged.assigned(text):
        return text
    if not text.strip():
        text = "# Copy to .env, which is not versioned, and fill in.\n"
    return text.rstrip("\n") + "\nMLFLOW_TRACKING_URI=http://localhost:5000\n"


def _configured(folder: Path) -> str | None:
    """The file of this very folder that configures reprotest; a folder above is another project."""
    project = find(folder) if folder.is_dir() else None
    return project.file.name if project is not None and project.root == folder.absolute() else None


def _packaged(name: str) -> str:
    return (files("reprotest.init") / "files" / name).read_text(encoding="utf-8")


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else None
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}") from error
