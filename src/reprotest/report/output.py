"""Where results go: a report for people, a JSON document for programs, one line for the hurried."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from reprotest.report import words
from reprotest.report.presentable import presentable

if TYPE_CHECKING:
    from rich.console import Console

    from reprotest.result import RunReport


def console(file: IO[str]) -> Console:
    """A console that colours nothing by itself, and nothing at all where it is piped."""
    from rich.console import Console

    return Console(file=file, highlight=False)


@dataclass(frozen=True)
class Output:
    """What every verb's options ask for.

    Attributes:
        json: file for the document, "-" for standard output, None for no document.
        quiet: one line instead of the report.
    """

    json: str | None = None
    quiet: bool = False

    def check(self) -> None:
        """Refuse a place that cannot be written before anything is run.

        Raises:
            UsageError: it cannot be.
        """
        if self.json is not None:
            from reprotest.report.json import check_target

            check_target(self.json)

    def document(self, make: Callable[[], dict[str, Any]]) -> None:
        """Write the document, where one was asked for."""
        if self.json is not None:
            from reprotest.report.json import write

            write(make(), self.json)

    def console(self) -> Console:
        """For people: standard output, unless the document has that."""
        return console(sys.stderr if self.json == "-" else sys.stdout)

    def show(self, report: RunReport, *, root: str | Path = ".", title: str | None = None) -> None:
        """Present a result to people."""
        with _to_whoever_listens():
            if not self.quiet:
                from reprotest.report import terminal

                terminal.show(report, self.console(), root=root, title=title)
            elif self.json != "-":
                line = words.one_line(presentable(report))
                print(f"{title}: {line}" if title else line)

    def summary(self, reports: Mapping[str, RunReport]) -> None:
        """Present several results together, a line each."""
        if not self.quiet and len(reports) > 1:
            from reprotest.report import terminal

            with _to_whoever_listens():
                terminal.summary(reports, self.console())


@contextmanager
def _to_whoever_listens() -> Iterator[None]:
    """A reader that has gone away (`… | head`) does not change the verdict, and so not the exit code."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
