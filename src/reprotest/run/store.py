"""Where records live: `.reprotest/` in the working directory, ignored by git from its creation on."""

from __future__ import annotations

import errno
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from reprotest.errors import StorageError
from reprotest.run.processes import started

LOCATION = "REPROTEST_DIR"
"""Environment variable that puts the store elsewhere (a read-only project, a faster disk)."""

OWNER = "owner.json"
"""Who makes a record, until it is sealed: a run that goes on is told from one that was killed by it."""

_LEAST = 16 << 10
"""Bytes free below which writing can be taken to have failed."""


def own(folder: Path) -> None:
    """Leave in a folder who is making it. Raises OSError."""
    (folder / OWNER).write_text(json.dumps({"pid": os.getpid(), "started": started(os.getpid())}))


@contextmanager
def full_disk_said(store: Store) -> Iterator[None]:
    """Turn the system's refusal to write into the one sentence that helps."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise StorageError(
                f"cannot write records to {store.root}: {error.strerror}; make room, "
                f"or name another folder in the environment variable {LOCATION}"
            ) from error
        raise


class Store:
    """The folder of all records of one project."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def at(cls, cwd: str) -> Store:
        """The store for commands started in `cwd`. Creates it.

        Raises:
            StorageError: it cannot be written.
        """
        root = Path(os.environ.get(LOCATION) or Path(cwd, ".reprotest")).absolute()
        try:
            (root / "runs").mkdir(parents=True, exist_ok=True)
            ignore = root / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
        except OSError as error:
            raise StorageError(
                f"cannot write records to {root}: {error.strerror or error}; make room or give write access, "
                f"or name another folder in the environment variable {LOCATION}"
            ) from error
        return cls(root)

    def new_run(self) -> Path:
        """A new folder for one run, with its sub-folders: there as a whole or not. Sorted by name, runs are sorted by start."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{uuid.uuid4().hex[:6]}"
        path = self.root / "runs" / name
        made = self.root / "new" / name
        try:
            for part in ("streams", "values", "watch"):
                (made / part).mkdir(parents=True)
            own(made)
            made.rename(path)
            with suppress(OSError):  # another one's is being made there
                made.parent.rmdir()
        except OSError as error:
            raise StorageError(
                f"cannot write records to {path}: {error.strerror or error}; make room on this disk"
            ) from error
        return path

    def check_room(self) -> None:
        """Raise StorageError when the disk is full: what a run could not record must not pass for what it did."""
        if shutil.disk_usage(self.root).free < _LEAST:
            raise StorageError(
                f"the disk of {self.root} is full, so this run could not be recorded wholly: make room, "
                f"or name another folder in the environment variable {LOCATION}"
            )

    @staticmethod
    def remove(path: Path) -> None:
        """Delete one run's folder, or a file; what cannot be deleted is left."""
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
