"""The tree of `bisect` (schema reprotest.bisect/1)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reprotest.report import words
from reprotest.report.prose import Span
from reprotest.report.tree import Cell, Check, Status, Table, Tree
from reprotest.report.trees._parts import Masked, facts_of
from reprotest.result import difference_from_json

_VERDICTS = {
    "found": (Status.FAILED, "A commit changed the numbers"),
    "identical": (Status.PASSED, "The numbers are the same"),
    "unstable": (Status.FAILED, "The good commit does not repeat"),
    "error": (Status.ERROR, "The command cannot be run"),
}
_RESULTS = {
    "same": ("the same numbers", Status.PASSED),
    "changed": ("other numbers", Status.FAILED),
    "skipped": ("cannot be run", Status.SKIPPED),
}
_SHORT = 12


def tree(document: Mapping[str, Any], root: Path, title: str | None) -> Tree:
    """See `report.trees`."""
    masked = Masked()
    status, headline = _VERDICTS[document["verdict"]]
    good, bad = str(document["good"])[:_SHORT], str(document["bad"])[:_SHORT]
    name = title or f"{good}..{bad}"
    said = _said(document, good, bad, masked)
    text = "".join(span.text for span in said)
    rows = tuple(
        (Cell(str(one["commit"])[:_SHORT], code=True), Cell(*_RESULTS[one["result"]])) for one in document["tried"]
    )
    return Tree(
        verb="bisect",
        title=name,
        status=status,
        headline=headline,
        paragraph=said,
        facts=tuple(facts_of(difference_from_json(document["first_difference"]))),
        tables=(Table("tried", "Commits that were tried", ("Commit", "Result"), rows),) if rows else (),
        checks=(Check(name, status, words.first_line(text), text),),
        alike=False,
    )


def _said(document: Mapping[str, Any], good: str, bad: str, masked: Masked) -> tuple[Span, ...]:
    verdict = document["verdict"]
    if verdict == "found":
        others = len(document["candidates"]) - 1
        more = f", or in one of the {words.count(others, 'commit')} before it that cannot be run" if others else ""
        return (Span("The numbers changed in "), Span(masked(document["title"]), "guilty"), Span(f"{more}."))
    return (
        Span(
            {
                "identical": f"The numbers are the same at {good} and at {bad}: there is nothing to find.",
                "unstable": f"Two runs at {good} differ, so no commit is to blame yet: find the cause with run.",
            }.get(verdict, f"The command cannot be run at {good} or at {bad}: give other commits, or mend the command.")
        ),
    )
