"""What each kind of export writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from reprotest.export import images, merged
from reprotest.export.lock import MAIN, Lock, Package
from reprotest.export.variables import held

HEADER = merged.EXPORTED
_GROUPS = re.compile(r"^# groups: (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Project:
    """What a file is made from.

    Attributes:
        lock: the lock.
        groups: the dependency groups to install; empty: those that the exported requirements.txt states, else main.
    """

    lock: Lock
    groups: tuple[str, ...] = ()

    def existing(self, name: str) -> str:
        """The file as it is now; empty where there is none."""
        file = self.lock.folder / name
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""

    @property
    def chosen(self) -> tuple[str, ...]:
        stated = _GROUPS.search(self.existing("requirements.txt"))
        return self.groups or (tuple(stated[1].split(", ")) if stated else (MAIN,))

    @property
    def packages(self) -> list[Package]:
        return self.lock.packages(self.chosen)


def requirements(project: Project) -> str:
    packages = project.packages
    indexes = list(dict.fromkeys(package.index for package in packages if package.index))
    return _render("requirements.txt", project, indexes=indexes, lines=[requirement(package) for package in packages])


def requirement(package: Package) -> str:
    """One line of a pip requirements file: name, version, marker and every hash of the lock."""
    what = f"{package.name} @ {package.url}" if package.url else f"{package.name}=={package.version}"
    if package.marker:
        what += f" ; {package.marker}"
    return " \\\n    ".join([what, *(f"--hash={digest}" for digest in package.hashes)])


def conda(project: Project) -> str:
    return _render("environment.yml", project)


def dockerfile(project: Project) -> str:
    return _render(
        "Dockerfile",
        project,
        image=images.python_image(project.lock.python, project.existing("Dockerfile")),
        only_binary=all(package.wheels for package in project.packages),
        command=["python", "train.py"] if (project.lock.folder / "train.py").is_file() else ["python"],
    )


def compose(project: Project) -> str:
    existing = project.existing("compose.yaml")
    own = {name: _locked(project, *packages) for name, packages in _SERVICES.items()}
    return _render(
        "compose.yaml",
        project,
        mlflow=None if own["mlflow"] else images.service_image("mlflow", images.MLFLOW, existing),
        jupyter=None if own["jupyter"] else images.service_image("jupyter", images.JUPYTER, existing),
    )


_SERVICES = {"mlflow": ("mlflow",), "jupyter": ("jupyterlab",)}
"""Services that the project's own image can run when the lock has one of these packages."""


def _locked(project: Project, *names: str) -> bool:
    return any(package.name in names for package in project.packages)


@dataclass(frozen=True)
class File:
    """One exported file.

    Attributes:
        name: its path in the project.
        make: its text.
        whole: it is ours altogether; otherwise lines are added to what stands there.
    """

    name: str
    make: Callable[[Project], str]
    whole: bool = True


_REQUIREMENTS = File("requirements.txt", requirements)
KINDS: Mapping[str, tuple[File, ...]] = {
    "requirements": (_REQUIREMENTS,),
    "conda": (_REQUIREMENTS, File("environment.yml", conda)),
    "docker": (
        _REQUIREMENTS,
        File("Dockerfile", dockerfile),
        File(
            ".dockerignore", lambda project: merged.ignored(project.existing(".dockerignore"), docker=True), whole=False
        ),
    ),
    "compose": (File("compose.yaml", compose),),
    "gitignore": (File(".gitignore", lambda project: merged.ignored(project.existing(".gitignore")), whole=False),),
    "env": (
        File(
            ".env.example",
            lambda project: merged.env_example(project.lock.folder, project.existing(".env.example")),
            whole=False,
        ),
    ),
}


OWN = {
    kind: [file for file in files if file.whole][-1]
    for kind, files in KINDS.items()
    if any(file.whole for file in files)
}
"""The file by which a kind is told to have been exported."""


def _render(name: str, project: Project, **values: Any) -> str:
    lock = project.lock
    return str(
        _templates()
        .get_template(f"{name}.j2")
        .render(
            header=HEADER,
            project=re.sub(r"[^a-z0-9_.-]+", "-", lock.project.lower()).strip("-._") or "project",
            python=lock.python,
            python_versions=lock.python_versions,
            content_hash=lock.content_hash,
            groups=", ".join(project.chosen),
            variables=held(),
            flake=_flake(lock.folder),
            **values,
        )
    )


@cache
def _templates() -> Any:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reprotest.export"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # no HTML
    )
    environment.filters["json"] = json.dumps
    return environment


def _flake(folder: Path) -> dict[str, str]:
    """Input → revision of the project's flake.lock; empty where there is none."""
    try:
        nodes = json.loads((folder / "flake.lock").read_text(encoding="utf-8"))["nodes"]
        return {name: node["locked"]["rev"] for name, node in sorted(nodes.items()) if "rev" in node.get("locked", {})}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
