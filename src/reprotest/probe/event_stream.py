"""The events of one thread: the files they go to, and where in the program that thread stands."""

from __future__ import annotations

import os
import re
from pathlib import Path

from reprotest.record.values import ValueWriter
from reprotest.record.writer import StreamWriter


class EventStream:
    """The events of one thread: where they go, and where in the program it stands."""

    def __init__(self, key: str, writer: StreamWriter, values: ValueWriter | None) -> None:
        self.key = key
        self.writer = writer
        self.values = values
        self.step = 0
        self.seen: dict[str, int] = {}

    @classmethod
    def begin(cls, run_dir: str, key: str, *, values: bool) -> EventStream:
        """A new stream in a run's folder, with a file for values where some are to be kept. Raises OSError."""
        path = _claim(Path(run_dir, "streams"), key, ".rec")
        kept = ValueWriter(Path(run_dir, "values", f"{path.stem}.val")) if values else None
        return cls(key, StreamWriter(path), kept)

    def close(self) -> None:
        """Write what is pending and close. Raises OSError."""
        self.writer.close()
        if self.values is not None:
            self.values.close()


def _claim(folder: Path, key: str, suffix: str) -> Path:
    """A new file named after the key, with a number where the name is taken (two processes of one name)."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "~", key)
    for number in range(1, 100_000):
        path = folder / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            continue
        return path
    raise OSError(f"{folder} holds too many streams named {stem}")
