"""The experiments of reprotest.lock as tests: `pytest --reprotest-lock`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reprotest.errors import ReprotestError, UsageError

if TYPE_CHECKING:
    from reprotest.lock.file import Lock


class LockFailed(Exception):
    """An experiment does not give the results that are locked."""


class LockFile(pytest.File):
    """reprotest.lock."""

    def collect(self) -> Iterator[LockedExperiment]:
        from reprotest.lock import file

        lock = file.read(self.path)
        for name in sorted(lock):
            yield LockedExperiment.from_parent(self, name=name, lock=lock)


class LockedExperiment(pytest.Item):
    """One experiment of the lock, run once and checked."""

    def __init__(self, *, lock: Lock, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._lock = lock

    def runtest(self) -> None:
        from reprotest.lock import check
        from reprotest.report import locked

        checked = check.verify(self._lock, self.path.parent, [self.name])
        if check.verdict(checked) != "passed":
            raise LockFailed("\n".join(locked.lines(checked)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from reprotest.testing import failure

        if isinstance(excinfo.value, LockFailed | ReprotestError):
            return failure.told(self, str(excinfo.value), type(excinfo.value).__name__)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name


def items(session: pytest.Session) -> list[pytest.Item]:
    """A test for each experiment of the lock. Raises pytest.UsageError when there is no lock."""
    from reprotest.lock import file

    try:
        path = file.locate(session.config.invocation_params.dir)
        if not file.read(path):
            raise UsageError(f"nothing is locked in {path}: `python -m reprotest lock COMMAND` writes it")
        collector = LockFile.from_parent(session, path=path)
        return list(collector.collect())
    except ReprotestError as error:
        raise pytest.UsageError(f"--reprotest-lock: {error}") from error
