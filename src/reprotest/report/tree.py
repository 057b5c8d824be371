"""The one tree that the page, the JUnit and the Markdown presenter speak: what a verb found, in words, tables and checks.

A tree is made from a verb's JSON document (`report.trees`, one file a schema), so a result that was saved yesterday is presented
like one of a minute ago, and a new verb reaches every presenter with one file. It holds text only, without secrets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from reprotest.report.excerpt import Excerpt
from reprotest.report.prose import Span


class Status(StrEnum):
    """What became of a session, or of one check in it."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    STOPPED = "stopped"
    SKIPPED = "skipped"


NOTHING = "\N{EN DASH}"
"""What a cell says that has nothing to say."""
MARKS = {Status.PASSED: "✓", Status.FAILED: "✗", Status.ERROR: "!", Status.STOPPED: "!", Status.SKIPPED: NOTHING}
"""Said beside every colour: nothing is told by colour alone."""


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: what it says.
        status: how it is to be marked; None: not at all.
        note: a second, smaller line.
        code: is it a name of the program's (shown in the font of code)?
    """

    text: str
    status: Status | None = None
    note: str | None = None
    code: bool = False


@dataclass(frozen=True)
class Table:
    """A table with its caption.

    Attributes:
        id: a short name, unique in the tree.
        title: what it is.
        columns: headings.
        rows: as many cells as there are columns; the first one heads its row.
        numbers: indices of the columns that are set right.
        about: a sentence before it, or nothing.
    """

    id: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numbers: frozenset[int] = frozenset()
    about: str = ""


@dataclass(frozen=True)
class Notes:
    """A titled list of sentences."""

    title: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class Reason:
    """A cause, ready to be shown.

    Attributes:
        factor: its id.
        what: what that factor is, in its own words.
        detail: which part of it (the lost state of a checkpoint); or nothing.
        proven: by experiment?
        location: "path:line"; None when there is none.
        excerpt: the lines round it; None when they cannot be read.
        evidence, fix: sentences.
    """

    factor: str
    what: str
    proven: bool
    location: str | None
    excerpt: Excerpt | None
    evidence: str
    fix: str
    detail: str = ""


@dataclass(frozen=True)
class Check:
    """One thing that passed or did not: a test case of JUnit.

    Attributes:
        name: what was checked.
        status: what came out.
        message: one line.
        detail: all there is to say, in lines.
        seconds: what it took.
    """

    name: str
    status: Status
    message: str = ""
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Tree:
    """What one verb found.

    Attributes:
        verb: which one.
        title: what it was about: the experiment or the command's shortest name.
        status, headline: the verdict.
        paragraph: all of it in a few sentences.
        command: as it was given, secrets masked; empty where there is none.
        facts: pairs of label and text.
        reasons: the causes.
        tables, notes, checks: see there.
        seconds: wall time of everything.
        records: folders of the runs, relative to the project.
        alike: were these runs to do the same from their first step on? Then the curve and the heat map are drawn from them.
        parts: the trees of several experiments.
    """

    verb: str
    title: str
    status: Status
    headline: str
    paragraph: tuple[Span, ...]
    command: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    reasons: tuple[Reason, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[Notes, ...] = ()
    checks: tuple[Check, ...] = ()
    seconds: float = 0.0
    records: tuple[str, ...] = ()
    alike: bool = True
    parts: tuple[Tree, ...] = ()

    @property
    def said(self) -> str:
        """The paragraph as plain text."""
        return "".join(span.text for span in self.paragraph)

    def leaves(self) -> Iterator[Tree]:
        """The trees that have no parts, in their order."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()
