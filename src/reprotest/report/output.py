"""Where results go: a report for people, a JSON document for programs, one line for the hurried."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from reprotest.errors import UsageError
from reprotest.report import words
from reprotest.report.presentable import presentable

if TYPE_CHECKING:
    from rich.console import Console

    from reprotest.report.tree import Tree
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
        html, junit, markdown: files for the result in other forms.
    """

    json: str | None = None
    quiet: bool = False
    html: str | None = None
    junit: str | None = None
    markdown: str | None = None

    def check(self) -> None:
        """Refuse places that cannot be written before anything is run.

        Raises:
            UsageError: one of them cannot be, or two results want standard output.
        """
        from reprotest.report.files import check_target

        given = self._targets()
        for option, target in given.items():
            check_target(f"--{option}", target)
        on_stdout = [f"--{option}" for option, target in given.items() if target == "-"]
        if len(on_stdout) > 1:
            raise UsageError(f"{' and '.join(on_stdout)} both want standard output: give one of them a file")

    def _targets(self) -> dict[str, str]:
        forms = {"json": self.json, "html": self.html, "junit": self.junit, "markdown": self.markdown}
        return {option: target for option, target in forms.items() if target is not None}

    @property
    def forms_wanted(self) -> bool:
        """Was a page, a JUnit or a Markdown file asked for?"""
        return any(option != "json" for option in self._targets())

    @property
    def piped(self) -> bool:
        """Does a document have standard output?"""
        return "-" in self._targets().values()

    def document(self, make: Callable[[], dict[str, Any]]) -> None:
        """Write the document, where one was asked for."""
        if self.json is not None:
            from reprotest.report.json import write

            write(make(), self.json)

    def result(self, document: dict[str, Any], root: str | Path = ".") -> None:
        """Keep a verdict's document for `report`, and write it in every form that was asked for.

        Args:
            document: as for --json.
            root: the folder to which its locations and records are relative.
        """
        from reprotest.report import saved
        from reprotest.report.json import finite

        document = finite(document)
        saved.keep(document, root)
        self.document(lambda: document)
        self.forms(document, root)

    def forms(self, document: dict[str, Any], root: str | Path = ".") -> None:
        """Write the page, the JUnit and the Markdown file, where they were asked for."""
        targets = {option: target for option, target in self._targets().items() if option != "json"}
        if not targets:
            return
        from reprotest.report.files import write_text
        from reprotest.report.trees import tree_of

        tree = tree_of(document, root)
        for option, target in targets.items():
            write_text(f"--{option}", target, rendered(option, tree, root))

    def console(self) -> Console:
        """For people: standard output, unless the document has that."""
        return console(sys.stderr if self.piped else sys.stdout)

    def show(self, report: RunReport, *, root: str | Path = ".", title: str | None = None) -> None:
        """Present a result to people."""
        with to_whoever_listens():
            if not self.quiet:
                from reprotest.report import terminal

                terminal.show(report, self.console(), root=root, title=title)
            elif not self.piped:
                line = words.one_line(presentable(report))
                print(f"{title}: {line}" if title else line)

    def summary(self, reports: Mapping[str, RunReport]) -> None:
        """Present several results together, a line each."""
        if not self.quiet and len(reports) > 1:
            from reprotest.report import terminal

            with to_whoever_listens():
                terminal.summary(reports, self.console())


def rendered(form: str, tree: Tree, root: str | Path = ".") -> str:
    """A tree in one of the forms that are files: "html", "junit" or "markdown"."""
    if form == "html":
        from reprotest.report import html

        return html.page(tree, root)
    if form == "junit":
        from reprotest.report import junit

        return junit.text(tree)
    from reprotest.report import markdown

    return markdown.text(tree)


@contextmanager
def to_whoever_listens() -> Iterator[None]:
    """A reader that has gone away (`… | head`) does not change the verdict, and so not the exit code."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
