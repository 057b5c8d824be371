"""Carries records to another place and back: a folder, or any URL that fsspec knows (s3://, gs://, sftp://, memory://)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

from reprotest.errors import RecordError, StorageError, UsageError
from reprotest.record.seal import NAME as SEAL
from reprotest.record.seal import check_seal
from reprotest.run.catalog import Entry
from reprotest.run.store import Store


class Place:
    """A place for records somewhere else.

    Args:
        url: of the folder that holds them.

    Raises:
        UsageError: fsspec, or what it needs for this kind of URL, is not installed; or it knows no such kind.
    """

    def __init__(self, url: str) -> None:
        try:
            import fsspec
        except ImportError as error:
            raise UsageError(f"{url} needs the package fsspec: python -m pip install fsspec") from error
        self.url = url
        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except ImportError as error:
            raise UsageError(f"{url}: {error}") from error
        except (ValueError, OSError) as error:
            raise UsageError(
                f"{url} cannot be opened: {error}; expected a folder or a URL such as s3://bucket/runs"
            ) from error

    def names(self) -> list[str]:
        """Names of the sealed records there, the newest first."""
        try:
            listed = self._files.ls(self._root, detail=False)
        except FileNotFoundError:
            return []
        except Exception as error:  # every file system has errors of its own
            raise _unreachable(self.url, error) from error
        names = (str(path).rstrip("/").rpartition("/")[2] for path in listed)
        return sorted((name for name in names if self._has(name)), reverse=True)

    def push(self, entry: Entry) -> bool:
        """Copy one sealed record there. False when it is there already.

        Raises:
            RecordError: it is not sealed, or was changed since.
            StorageError: the place cannot be written.
        """
        if check_seal(entry.path) is None:
            raise RecordError(
                f"{entry.name} is not sealed (its run was killed, or goes on): only sealed records travel"
            )
        if self._has(entry.name):
            return False
        names = [str(path.relative_to(entry.path)) for path in sorted(entry.path.rglob("*")) if path.is_file()]
        try:
            # The seal goes last: a record without one is not taken for whole at the other end.
            for name in sorted(names, key=lambda n: n == SEAL):
                target = f"{self._root}/{entry.name}/{name}"
                self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
                self._files.put_file(str(entry.path / name), target)
        except Exception as error:
            raise _unreachable(self.url, error) from error
        return True

    def pull(self, name: str, store: Store) -> bool:
        """Bring one record here, checked against its seal. False when it is here already.

        Raises:
            RecordError: what came is not what was sealed, or would not stay inside of the store.
            StorageError: the place, or the store, cannot be used.
        """
        target = store.root / "runs" / name
        if target.exists():
            return False
        coming = store.root / "new" / name
        shutil.rmtree(coming, ignore_errors=True)
        try:
            for path, size in self._files.find(f"{self._root}/{name}", detail=True).items():
                inside = _inside(f"{self._root}/{name}", str(path), size)
                (coming / inside).parent.mkdir(parents=True, exist_ok=True)
                self._files.get_file(path, str(coming / inside))
            if check_seal(coming) is None:
                raise RecordError(f"{self.url}/{name} has no seal: it did not arrive there whole; push it again")
            os.rename(coming, target)
        except RecordError:
            raise
        except Exception as error:
            raise _unreachable(self.url, error) from error
        finally:
            shutil.rmtree(coming, ignore_errors=True)
        return True

    def _has(self, name: str) -> bool:
        try:
            return bool(self._files.exists(f"{self._root}/{name}/{SEAL}"))
        except Exception as error:
            raise _unreachable(self.url, error) from error


def _inside(root: str, path: str, size: Any) -> Path:
    """Where in the record a file belongs."""
    relative = PurePosixPath(path.lstrip("/")).relative_to(root.lstrip("/"))
    if ".." in relative.parts or relative.is_absolute():
        raise RecordError(f"{path} would lie outside of its record: do not use this place")
    return Path(*relative.parts)


def _unreachable(url: str, error: Exception) -> StorageError:
    return StorageError(
        f"{url} cannot be used: {error or type(error).__name__}; check the address and your access to it"
    )
