"""What the trees of several schemas are made of."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reprotest.report import words
from reprotest.report.excerpt import clean, excerpt
from reprotest.report.tree import NOTHING, Cell, Reason, Status, Table
from reprotest.result import Cause, Difference, Host
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


def hosts(made: Sequence[Host]) -> Iterator[Table]:
    """Where runs were made on a cluster; nothing for runs that were made here."""
    if made:
        rows = tuple(
            (
                Cell(f"run {host.run}"),
                Cell(host.name, code=True),
                Cell(host.host or NOTHING),
                Cell(host.status, Status.PASSED if host.status == "done" else Status.ERROR, host.why),
                Cell(words.times(host.seconds) if host.status == "done" else NOTHING),
            )
            for host in made
        )
        yield Table(
            "hosts",
            "Where the runs were made",
            ("Run", "Worker", "Host", "What became of it", "Time"),
            rows,
            frozenset({4}),
        )


_MOST_CHANGES = 12
_MATTERS: dict[str, tuple[str, Status | None]] = {
    "matters": ("changes this result", Status.FAILED),
    "harmless": ("does not change it", Status.PASSED),
}


def environment(findings: Sequence[Mapping[str, Any]], labels: Sequence[str], masked: Masked) -> Iterator[Table]:
    """What differs between two environments, in the order of `compare`. `findings`: `across.environment.Finding.to_json()`."""
    rows: list[tuple[Cell, ...]] = []
    for finding in findings:
        factor = masked(finding["factor"])
        known, status = _MATTERS.get(finding.get("known") or "", ("not known", None))
        matters = Cell(known, status, masked(finding.get("evidence") or "") or None)
        changes = finding.get("changes") or ()
        shown = [(c["key"], c["a"], c["b"]) for c in changes[:_MOST_CHANGES]] or [
            ("", finding.get("a"), finding.get("b"))
        ]
        for number, (key, a, b) in enumerate(shown):
            if isinstance(a, list) and isinstance(b, list):  # of long lists only what the other does not have
                x, y = _only(a, b), _only(b, a)
                key, a, b = f"{key}, only here", x, y
            sides = (Cell(masked(key)), Cell(_reading(a, masked)), Cell(_reading(b, masked)))
            rows.append((Cell(factor, code=True), matters if number == 0 else Cell(""), *sides))
        if len(changes) > _MOST_CHANGES:
            more = Cell(f"and {words.grouped(len(changes) - _MOST_CHANGES)} more")
            rows.append((Cell(factor, code=True), Cell(""), more, Cell(NOTHING), Cell(NOTHING)))
    if rows:
        yield Table(
            "environment-difference",
            "Differences between the environments",
            ("Factor", "Does it matter?", "What", *labels),
            tuple(rows),
            about="What was read of the machine, the packages and the settings; what can have changed the result first.",
        )


def _only(these: list[Any], others: list[Any]) -> str:
    return ", ".join(str(item) for item in these if item not in others) or "nothing"


def _reading(value: object, masked: Masked) -> str:
    if value is None:
        return "not there"
    text = masked(value if isinstance(value, str) else json.dumps(value, default=str))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


_LONGEST = 200


def size_of(final: Mapping[str, Any] | None) -> str:
    """A document's `{"max_abs", "max_rel", "ulp"}` in words."""
    if not final:
        return ""
    measured = Difference(
        0, "metric", "", max_abs=final.get("max_abs"), max_rel=final.get("max_rel"), ulp=final.get("ulp")
    )
    return words.size(measured) or ""
