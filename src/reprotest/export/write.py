"""Writing exported files, and telling whether they are up to date."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reprotest.errors import UsageError
from reprotest.export.kinds import HEADER, KINDS, File, Project

State = Literal["new", "changed", "current"]


@dataclass(frozen=True)
class Planned:
    """One file as it is and as it should be.

    Attributes:
        file: which.
        old: its text now, None when it does not exist.
        new: its text from the locks.
    """

    file: File
    old: str | None
    new: str

    @property
    def state(self) -> State:
        if self.old is None:
            return "new"
        return "current" if self.old == self.new else "changed"

    @property
    def foreign(self) -> bool:
        """Written by somebody else, as a whole file that we would replace."""
        return self.file.whole and self.old is not None and HEADER not in self.old

    def difference(self) -> str:
        """What changes, as a unified diff."""
        lines = difflib.unified_diff(
            (self.old or "").splitlines(),
            self.new.splitlines(),
            self.file.name,
            f"{self.file.name} from the locks",
            lineterm="",
        )
        return "\n".join(lines)


def plan(project: Project, kinds: Sequence[str]) -> list[Planned]:
    """What the kinds write, each file once.

    Raises:
        UsageError: a kind that there is not, or a lock from which a file cannot be made.
    """
    files: dict[str, File] = {}
    for kind in kinds:
        if kind not in KINDS:
            raise UsageError(f"there is no export of kind {kind!r}; there are {', '.join(KINDS)}")
        files |= {file.name: file for file in KINDS[kind]}
    planned = []
    for file in files.values():
        exists = (project.lock.folder / file.name).is_file()
        planned.append(Planned(file, project.existing(file.name) if exists else None, file.make(project)))
    return planned


def write(folder: Path, planned: Sequence[Planned], *, force: bool = False) -> list[Planned]:
    """Write what is new or changed; returns that. Nothing is written when one file is refused.

    Raises:
        UsageError: a file that somebody else wrote would be replaced and `force` is not set, or cannot be written.
    """
    due = [item for item in planned if item.state != "current"]
    foreign = [item.file.name for item in due if item.foreign]
    if foreign and not force:
        raise UsageError(
            f"{', '.join(foreign)} exist{'s' if len(foreign) == 1 else ''} and was not exported by reprotest: "
            "move it away, or give --force to replace it"
        )
    for item in due:
        target = folder / item.file.name
        try:
            target.write_text(item.new, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{target} cannot be written: {error.strerror or error}") from error
    return due
