"""A repository as the checks see it: its files, their texts, and what was read of its programs. Nothing is run or imported."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from reprotest.audit.flow.modules import Modules, imported_packages
from reprotest.audit.flow.programs import Program, Reading, find_programs, read_program
from reprotest.audit.flow.vocabulary import Vocabulary
from reprotest.audit.ignore import IgnoreFile

_SKIPPED = frozenset(
    {
        ".git",
        ".venv",
        "venv",
        "env",
        "node_modules",
        "__pycache__",
        ".reprotest",
        ".tox",
        ".nox",
        ".direnv",
        "site-packages",
    }
)
_LARGEST = 1_000_000
"""Bytes; a larger file is data, not text that a person wrote."""
_MOST = 20_000
"""Files."""
_TEST = re.compile(r"(^|/)(tests?|testing)/|(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$")


class Repository:
    """The folder that is audited.

    Args:
        root: its path.
        exclude: globs of files that are not looked at.
        experiments: the commands that the project has configured, as words.
    """

    def __init__(self, root: Path, exclude: Sequence[str] = (), experiments: Sequence[Sequence[str]] = ()) -> None:
        self.root = root
        self.exclude = tuple(exclude)
        self.experiments = tuple(tuple(words) for words in experiments)
        self._texts: dict[str, str | None] = {}

    # --- files --------------------------------------------------------------------------------------------------

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Every file that is versioned or could be, by path; at most 20,000."""
        listed = self._git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        if listed is None:
            return tuple(sorted(path for path in self._walked() if not self._excluded(path)))
        found = {name for name in listed if not set(PurePosixPath(name).parts) & _SKIPPED}
        return tuple(sorted(n for n in found if not self._excluded(n) and (self.root / n).is_file())[:_MOST])

    @cached_property
    def tracked(self) -> frozenset[str] | None:
        """What git has in its index; None outside of a repository."""
        listed = self._git("ls-files", "-z", "--cached")
        return None if listed is None else frozenset(listed)

    def _git(self, *arguments: str) -> list[str] | None:
        command = ["git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", *arguments]
        try:
            done = subprocess.run(command, cwd=self.root, capture_output=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode != 0:
            return None
        return [name for name in done.stdout.decode(errors="surrogateescape").split("\0") if name]

    def _walked(self) -> Iterator[str]:
        count = 0
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(name for name in folders if name not in _SKIPPED)
            for name in sorted(names):
                yield Path(folder, name).relative_to(self.root).as_posix()
                count += 1
                if count >= _MOST:
                    return

    def has(self, path: str) -> bool:
        return (self.root / path).is_file()

    def matching(self, *globs: str) -> list[str]:
        """Files whose path, or whose name where the glob has no slash, is one of these."""
        return [
            path
            for path in self.files
            if any(fnmatchcase(path if "/" in glob else PurePosixPath(path).name, glob) for glob in globs)
        ]

    def first(self, *paths: str) -> str | None:
        return next((path for path in paths if self.has(path)), None)

    def text(self, path: str) -> str:
        """The file's text; empty when it is not there, not text or too large."""
        if path not in self._texts:
            file = self.root / path
            try:
                small = file.is_file() and file.stat().st_size <= _LARGEST
                self._texts[path] = file.read_text(encoding="utf-8", errors="replace") if small else None
            except OSError:
                self._texts[path] = None
        return self._texts[path] or ""

    def line(self, path: str, pattern: str) -> int:
        """The number of the first line that matches; 1 where none does."""
        for number, line in enumerate(self.text(path).splitlines(), 1):
            if re.search(pattern, line):
                return number
        return 1

    @cached_property
    def pyproject(self) -> dict[str, Any]:
        """What pyproject.toml says; empty where there is none, or none that can be read."""
        try:
            return tomllib.loads(self.text("pyproject.toml"))
        except tomllib.TOMLDecodeError:
            return {}

    @cached_property
    def gitignore(self) -> IgnoreFile:
        return IgnoreFile(self.text(".gitignore"))

    @cached_property
    def readme(self) -> str | None:
        return self.first("README.md", "README.rst", "README.txt", "README", "readme.md", "Readme.md")

    # --- source code --------------------------------------------------------------------------------------------

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The Python files that are no tests."""
        return tuple(
            path for path in self.files if path.endswith(".py") and not _TEST.search(path) and not self._excluded(path)
        )

    @cached_property
    def tests(self) -> tuple[str, ...]:
        return tuple(path for path in self.files if path.endswith(".py") and _TEST.search(path))

    def _excluded(self, path: str) -> bool:
        return any(fnmatchcase(path, glob) for glob in self.exclude)

    @cached_property
    def modules(self) -> Modules:
        return Modules.read({path: self.text(path) for path in self.sources})

    @cached_property
    def imports(self) -> dict[str, tuple[str, int]]:
        """Top-level package → the first place that imports it."""
        return imported_packages(self.modules.by_file.values())

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary()

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """Every program, read in the order in which it runs."""
        return tuple(
            read_program(self.modules, program, self.vocabulary)
            for program in find_programs(self.modules, self._named_programs())
        )

    @cached_property
    def trainings(self) -> tuple[Reading, ...]:
        """The programs that draw random numbers."""
        return tuple(reading for reading in self.readings if reading.draws)

    def _named_programs(self) -> Iterator[Program]:
        scripts = {**self.pyproject.get("project", {}).get("scripts", {})}
        scripts |= self.pyproject.get("tool", {}).get("poetry", {}).get("scripts", {})
        targets = [str(target) for target in scripts.values() if isinstance(target, str)]
        for words in self.experiments:
            words = tuple(word for word in words if word != "--")
            if words[:1] == ("-m",) and len(words) > 1:
                targets.append(words[1])
            elif words and words[0].endswith(".py"):
                yield Program(PurePosixPath(words[0]).as_posix())
            elif words and ":" in words[0]:
                targets.append(words[0])
        for target in targets:
            name, _, function = target.partition(":")
            for candidate in (name, f"{name}.__main__"):
                module = self.modules.find(candidate, ["src", ""])
                if module is not None and (candidate != name or not module.file.endswith("__init__.py") or function):
                    yield Program(module.file, function or None)
