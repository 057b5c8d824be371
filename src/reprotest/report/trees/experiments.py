"""The tree of several configured experiments (schema reprotest.experiments/1)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reprotest.report import words
from reprotest.report.prose import Span
from reprotest.report.tree import Status, Tree
from reprotest.report.trees import tree_of

_WORST = (Status.STOPPED, Status.ERROR, Status.FAILED, Status.PASSED)
_HEADLINES = {
    Status.PASSED: "Reproducible",
    Status.FAILED: "Not reproducible",
    Status.ERROR: "A command failed",
    Status.STOPPED: "Interrupted",
}


def tree(document: Mapping[str, Any], root: Path, title: str | None) -> Tree:
    """See `report.trees`."""
    parts = tuple(tree_of(part, root, str(name)) for name, part in document["experiments"].items())
    if len(parts) == 1:
        return parts[0]
    return together(parts, title or "experiments", "run")


def together(parts: tuple[Tree, ...], title: str, verb: str) -> Tree:
    """Several trees as one: its status is the worst of theirs."""
    statuses = {part.status for part in parts}
    status = next((worst for worst in _WORST if worst in statuses), Status.PASSED)
    good = [part.title for part in parts if part.status is Status.PASSED]
    bad = [part.title for part in parts if part.status is not Status.PASSED]
    said = f"{len(good)} of {words.count(len(parts), 'experiment')} passed" + (
        f"; not {words.listing(bad)}." if bad else "."
    )
    return Tree(
        verb=verb,
        title=title,
        status=status,
        headline=_HEADLINES[status],
        paragraph=(Span(said),),
        seconds=sum(part.seconds for part in parts),
        checks=tuple(check for part in parts for check in part.checks),
        parts=parts,
    )
