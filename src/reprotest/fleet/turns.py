"""Which workers may run a command at the same time: their runs must not meet in the files that they leave."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reprotest.factors.external_state import FILES
from reprotest.fleet.cluster import Target
from reprotest.record import Record


@dataclass(frozen=True)
class Place:
    """Where a worker runs the command.

    Attributes:
        host: the name that the machine gives itself.
        folder: number of the folder's inode. On a file system that machines share it is the same for all of them; the same number on
            two file systems only makes runs wait for each other.
    """

    host: str
    folder: int | None

    def meets(self, other: Place) -> bool:
        """Can runs at both change the same files?"""
        return self.host == other.host or (self.folder is not None and self.folder == other.folder)


def place(cwd: str) -> Place:
    """This machine, and a folder of it."""
    try:
        folder = os.stat(cwd).st_ino
    except OSError:
        folder = None
    return Place(socket.gethostname(), folder)


def left_behind(record: Record) -> list[str]:
    """The paths that a run has changed for good: made, or written over, and not removed again."""
    found = []
    for files in record.extras(FILES):
        for path, facts in files.items() if isinstance(files, Mapping) else ():
            before = facts.get("written") if isinstance(facts, Mapping) else None
            if before is not None and ("size" in before or os.path.lexists(path)):
                found.append(str(path))
    return sorted(set(found))


class Turns:
    """Lets runs go side by side where they cannot meet, or where the command is known to leave nothing behind.

    Args:
        places: of each worker.
    """

    def __init__(self, places: Mapping[Target, Place]) -> None:
        self._places = places
        self._left: list[str] | None = None
        self.waited = False
        """Has any worker had to wait for another one because of files?"""

    def learn(self, left: Iterable[Any]) -> None:
        """What a run has left behind."""
        self._left = sorted({*(self._left or ()), *map(str, left)})

    def may_begin(self, target: Target, busy: Collection[Target]) -> bool:
        """May this worker run the command while those are at it? The first run is made alone wherever others could meet it."""
        if target in busy:
            return False
        if self._left == [] or not any(self._meet(target, other) for other in busy):
            return True
        self.waited = self.waited or bool(self._left)
        return False

    def alone(self, target: Target, others: Collection[Target]) -> bool:
        """Must it be left out as long as those are in use, since runs leave files where they would meet?"""
        return bool(self._left) and any(self._meet(target, other) for other in others)

    def _meet(self, a: Target, b: Target) -> bool:
        return self._places[a].meets(self._places[b])

    @property
    def said(self) -> str | None:
        """Why runs had to wait for each other, in a clause; None when they did not."""
        if not self.waited or not self._left:
            return None
        more = f" and {len(self._left) - 1} more" if len(self._left) > 1 else ""
        return (
            f"runs on workers that share a machine or a folder were made one after the other, since the command leaves files there "
            f"({os.path.basename(self._left[0])}{more})"
        )
