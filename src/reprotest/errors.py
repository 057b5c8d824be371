"""What can go wrong, and the exit code that the command line gives it.

    ReprotestError                   4  something in reprotest itself
    ├── UsageError                   2  wrong usage or bad input
    │   ├── CommandError             2  the command under test cannot be started at all
    │   ├── ConfigError              2  pyproject.toml or reprotest.yaml does not say what we understand
    │   ├── RecordError              2  a record that is damaged, truncated or not ours
    │   └── StorageError             2  .reprotest/ cannot be written (read-only, full disk)
    ├── CommandFailed                3  the command under test failed by itself
    └── NotReproducible              1  also an AssertionError: two runs differ

Every message names the thing, says what was expected, and ends with the next step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from reprotest.result import RunReport


class ReprotestError(Exception):
    """The root of all errors that reprotest raises on purpose."""

    exit_code: ClassVar[int] = 4


class UsageError(ReprotestError):
    """Wrong usage or bad input: the caller can mend it."""

    exit_code = 2


class CommandError(UsageError):
    """The command under test cannot be started: no such script, module, function or program."""


class ConfigError(UsageError):
    """The project's configuration cannot be understood."""


class RecordError(UsageError):
    """A record that is damaged, truncated, hostile or of another version."""


class StorageError(UsageError):
    """The place for records cannot be written."""


class CommandFailed(ReprotestError):
    """The command under test failed by itself, so there is nothing to compare.

    Attributes:
        report: what is known about the runs so far.
    """

    exit_code = 3

    def __init__(self, message: str, report: RunReport | None = None) -> None:
        super().__init__(message)
        self.report = report


class NotReproducible(ReprotestError, AssertionError):
    """Two runs differ where they should agree.

    Attributes:
        report: the whole result: first difference, causes, experiments.
    """

    exit_code = 1

    def __init__(self, message: str, report: RunReport) -> None:
        super().__init__(message)
        self.report = report
