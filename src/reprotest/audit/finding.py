"""What a check says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reprotest.audit.repository import Repository


class Severity(StrEnum):
    """SARIF's levels. Only errors and warnings fail the audit."""

    ERROR = "error"
    """Results will differ, or the environment cannot be made again."""
    WARNING = "warning"
    """They may."""
    NOTE = "note"
    """Worth knowing."""

    @property
    def fails(self) -> bool:
        return self is not Severity.NOTE


@dataclass(frozen=True)
class Found:
    """One place where a check does not pass.

    Attributes:
        message: what is wrong, without line numbers, so that it stays the same when lines move.
        file: path in the repository; the file that should exist, for something that is missing.
        line: from 1.
        severity, fix: where they are not those of the check.
        factor: the factor that may vary, where there is one.
    """

    message: str
    file: str
    line: int = 1
    severity: Severity | None = None
    fix: str | None = None
    factor: str | None = None


Mend = Callable[["Repository"], Mapping[str, str]]
"""From the repository to the new texts of files: only what cannot do harm."""


@dataclass(frozen=True)
class Check:
    """One item of the checklist.

    Attributes:
        id: "topic.name".
        severity: of what it finds, unless a finding says otherwise.
        title: what passing means, as a sentence.
        why: why it matters.
        source: where that is said, a URL.
        fix: what to do.
        find: looks.
        mend: the safe part of the fix, if there is one.
    """

    id: str
    severity: Severity
    title: str
    why: str
    source: str
    fix: str
    find: Callable[[Repository], Iterator[Found]]
    mend: Mend | None = None


@dataclass(frozen=True)
class Finding:
    """A `Found` with all that its check knows.

    Attributes:
        reason: why the project ignores it, None when it does not.
        known: it is in the baseline.
    """

    check: Check
    message: str
    file: str
    line: int
    severity: Severity
    fix: str
    factor: str | None = None
    reason: str | None = None
    known: bool = False

    @property
    def id(self) -> str:
        return self.check.id

    @property
    def fails(self) -> bool:
        """Does it make the audit fail?"""
        return self.severity.fails and self.reason is None and not self.known

    @property
    def fingerprint(self) -> str:
        """The same as long as the same thing is wrong with the same file, wherever the line has moved."""
        return hashlib.sha256("\0".join((self.id, self.file, self.message)).encode()).hexdigest()[:16]
