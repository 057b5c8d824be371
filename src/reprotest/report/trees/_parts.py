"""What the trees of several schemas are made of."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reprotest.report import words
from reprotest.report.excerpt import clean, excerpt
from reprotest.report.tree import Cell, Reason, Status, Table
from reprotest.result import Cause, Difference
from reprotest.secrets import known_secrets, mask_command, mask_text


class Masked:
    """Text of a program, made fit to be shown: without secrets and control sequences."""

    def __init__(self, command: Sequence[str] = ()) -> None:
        self._secrets = known_secrets(command=list(command))

    def __call__(self, text: object) -> str:
        return "\n".join(clean(line) for line in mask_text(str(text), self._secrets).splitlines())


def command_line(words_: Iterable[object]) -> str:
    """A command as one would type it, secrets masked."""
    return shlex.join(mask_command([str(word) for word in words_]))


def place(difference: Difference | None) -> str:
    return "" if difference is None else words.place(difference)


def facts_of(difference: Difference | None) -> Iterator[tuple[str, str]]:
    """A difference as pairs of label and text."""
    if difference is None:
        return
    yield "Step", f"{difference.step} (completed optimiser steps before it)"
    yield "Phase", words.phase(difference.phase)
    if difference.name:
        yield "Name", difference.name
    if difference.op:
        yield "Operator", difference.op
    if difference.location:
        yield "Line", difference.location
    if difference.stream != "main":
        yield "Process", difference.stream
    size = words.size(difference)
    if size:
        yield "Size", size
    if difference.note and difference.note != size:
        yield "Note", words.sentence(difference.note)


def reason(cause: Cause, root: Path, detail: str = "") -> Reason:
    """A cause with its words and the lines round its place."""
    return Reason(
        factor=cause.factor,
        what=words.sentence(words.what(cause.factor) or ""),
        proven=cause.proven,
        location=cause.location,
        excerpt=excerpt(cause.location, root),
        evidence=words.sentence(cause.evidence),
        fix=words.sentence(cause.fix),
        detail=detail,
    )


def told(reasons: Iterable[Reason]) -> str:
    """Causes in lines of plain text."""
    lines = []
    for item in reasons:
        at = f" at {item.location}" if item.location else ""
        detail = f" ({item.detail})" if item.detail else ""
        lines.append(f"cause: {item.factor}{detail}{at}, {'proven' if item.proven else 'not proven'}: {item.evidence}")
        if item.excerpt is not None:
            guilty = item.excerpt.lines[item.excerpt.line - item.excerpt.first]
            lines.append(f"  > {item.excerpt.line} | {guilty.strip()}")
        lines.append(f"what to change: {item.fix}")
    return "\n".join(lines)


OUTCOMES = {
    "identical": Status.PASSED,
    "different": Status.FAILED,
    "inconclusive": Status.ERROR,
    "failed": Status.ERROR,
}


def experiments(rows: Sequence[Any]) -> Iterator[Table]:
    """The table of experiments; nothing where none were made. `rows`: `result.Experiment`."""
    if rows:
        yield Table(
            "experiments",
            "Experiments",
            ("Experiment", "Outcome", "Runs", "Time"),
            tuple(
                (
                    Cell(row.what, note=row.note),
                    Cell(words.outcome(row), OUTCOMES.get(row.outcome)),
                    Cell(str(row.runs)),
                    Cell(words.times(row.seconds)),
                )
                for row in rows
            ),
            frozenset({2, 3}),
            "Everything that can vary is held still; then one factor at a time is let go.",
        )


def size_of(final: Mapping[str, Any] | None) -> str:
    """A document's `{"max_abs", "max_rel", "ulp"}` in words."""
    if not final:
        return ""
    measured = Difference(
        0, "metric", "", max_abs=final.get("max_abs"), max_rel=final.get("max_rel"), ulp=final.get("ulp")
    )
    return words.size(measured) or ""
