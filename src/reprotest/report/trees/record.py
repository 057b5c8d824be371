"""The tree of one record, shown by itself (schema reprotest.record/1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reprotest.report import words
from reprotest.report.prose import Span
from reprotest.report.tree import Cell, Check, Notes, Status, Table, Tree
from reprotest.report.trees._parts import Masked, command_line


def tree(document: Mapping[str, Any], root: Path, title: str | None) -> Tree:
    """See `report.trees`."""
    given = [str(word) for word in document["command"]]
    masked = Masked(given)
    name = title or words.program(given)
    steps, code = int(document["steps"]), document.get("exit_code")
    said = (
        Span("A run of "),
        Span(name, "strong"),
        Span(
            f": {words.count(steps, 'step')}, {_ended(code)}. One record alone says nothing about repeating: give two."
        ),
    )
    notes = tuple(words.sentence(masked(note)) for note in document.get("unobserved") or ())
    return Tree(
        verb="report",
        title=name,
        status=Status.SKIPPED,
        headline="One record",
        paragraph=said,
        command=command_line(given),
        tables=tuple(_tables(document, masked)),
        notes=(Notes("Not observed", notes),) if notes else (),
        checks=(Check(name, Status.SKIPPED, "one record alone"),),
        seconds=float(document.get("seconds") or 0.0),
        records=tuple(str(path) for path in document.get("records") or ()),
    )


def _ended(code: object) -> str:
    return "not ended" if code is None else "ended well" if code == 0 else f"ended with exit code {code}"


def _tables(document: Mapping[str, Any], masked: Masked) -> Iterator[Table]:
    observed = document.get("observed") or {}
    if observed:
        yield Table(
            "observed",
            "What was observed",
            ("Phase", "Events"),
            tuple((Cell(words.phase(str(phase))), Cell(words.grouped(int(n)))) for phase, n in observed.items()),
            frozenset({1}),
        )
    rows = tuple(
        (
            Cell(str(factor), code=True),
            Cell(masked(site) or "inside libraries", code=bool(site)),
            Cell(words.grouped(int(calls))),
        )
        for factor, sites in (document.get("uses") or {}).items()
        for site, calls in sites.items()
    )
    if rows:
        yield Table("uses", "What could vary in it", ("Factor", "Where", "Calls"), rows, frozenset({2}))
