"""Writing files so that a crash at any moment leaves nothing half: by appending whole records, or by replacing."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any


def write_whole(path: str | Path, data: bytes | str, *, part: str | Path | None = None) -> None:
    """Write a small file whole or not at all: a reader, and whoever comes after a crash, meets the old content or the new.

    Args:
        path: the file.
        data: its content; text as UTF-8.
        part: where it is written first, on the same file system; beside the file by default.

    Raises:
        OSError: it could not be written; the old content is still there.
    """
    before = f"{path}.{os.getpid()}.part" if part is None else os.fspath(part)
    try:
        with open(before, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
        os.replace(before, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(before)
        raise


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
