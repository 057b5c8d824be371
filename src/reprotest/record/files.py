"""Appending to a file of our own inside somebody else's program."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

_HIGH_DESCRIPTOR = 700
"""Programs that close 'all other' descriptors and open new ones get low numbers: never ours, so we never write into their files."""


class AppendFile:
    """A file that grows by whole records: each `append` is one system call; one that fails leaves nothing.

    A process that is killed in the middle of it may leave a part (Linux ends a large write at a page); the reader ignores that.
    """

    def __init__(self, path: str | Path) -> None:
        low = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            self._fd = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _HIGH_DESCRIPTOR)
            os.close(low)
        except OSError:  # few descriptors allowed
            self._fd = low
        self.size = 0

    @property
    def closed(self) -> bool:
        return self._fd < 0

    def append(self, parts: Sequence[Any]) -> None:
        """Write the parts one after the other.

        Raises:
            OSError: nothing of them is left in the file (disk full, descriptor closed by the program).
        """
        total = sum(map(len, parts))
        try:
            written = os.writev(self._fd, parts)
            if written != total:  # disk nearly full, or a signal: the rest may still fit
                rest = memoryview(b"".join(parts))
                while written < total:
                    written += os.write(self._fd, rest[written:])
        except OSError:
            self._cut()
            raise
        self.size += total

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _cut(self) -> None:
        with suppress(OSError):  # the reader ignores a torn tail
            os.ftruncate(self._fd, self.size)
