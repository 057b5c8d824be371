"""The tree of `compare` (schema reprotest.compare/1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reprotest.report import words
from reprotest.report.prose import Span
from reprotest.report.tree import Cell, Check, Notes, Status, Table, Tree
from reprotest.report.trees._parts import OUTCOMES, Masked, environment, facts_of
from reprotest.result import difference_from_json

_WHAT = {"manifests": "environments", "locks": "locked results"}


def tree(document: Mapping[str, Any], root: Path, title: str | None) -> Tree:
    """See `report.trees`."""
    masked = Masked()
    same = {"identical": True, "different": False}[document["verdict"]]
    a, b, kind = masked(document["a"]), masked(document["b"]), str(document["kind"])
    status = Status.PASSED if same else Status.FAILED
    first = difference_from_json(document.get("first_difference"))
    findings = document.get("environment") or ()
    said = tuple(
        _said(kind, a, b, same, [masked(f["factor"]) for f in findings], words.place(first) if first else None)
    )
    name = title or f"{a} and {b}"
    text = "".join(span.text for span in said)
    notes = tuple(words.sentence(masked(note)) for note in document.get("notes") or ())
    return Tree(
        verb="compare",
        title=name,
        status=status,
        headline="The same" if same else "Not the same",
        paragraph=said,
        facts=tuple(facts_of(first)),
        tables=(*environment(findings, (a, b), masked), *_locked(document, masked), *_experiments(document, masked)),
        notes=(Notes("Remarks", notes),) if notes else (),
        checks=(Check(name, status, words.first_line(text), text),),
        records=tuple(str(path) for path in document.get("records") or ()),
    )


def _said(kind: str, a: str, b: str, same: bool, factors: list[str], place: str | None) -> Iterator[Span]:
    yield Span(f"The {_WHAT.get(kind, 'results')} of ")
    yield Span(a, "strong")
    yield Span(" and ")
    yield Span(b, "strong")
    yield Span(" are the same. " if same else " differ. ")
    if place is not None:
        yield Span("The first difference is at ")
        yield Span(place, "strong")
        yield Span(". ")
    if factors and kind != "manifests":
        yield Span("What else differs, the likeliest cause first: ")
        yield Span(words.listing(factors[:6]), "guilty")
        yield Span(".")


def _locked(document: Mapping[str, Any], masked: Masked) -> Iterator[Table]:
    locked = document.get("locked") or {}
    if locked:
        rows = tuple((Cell(masked(name), code=True), Cell(masked(said))) for name, said in locked.items())
        yield Table("locked", "Locked results", ("Experiment", "What differs"), rows)


def _experiments(document: Mapping[str, Any], masked: Masked) -> Iterator[Table]:
    rows = tuple(
        (
            Cell(masked(row["what"]), note=masked(row.get("note") or "") or None),
            Cell(str(row["outcome"]), OUTCOMES.get(row["outcome"])),
            Cell(words.times(float(row.get("seconds") or 0.0))),
        )
        for row in document.get("experiments") or ()
    )
    if rows:
        yield Table(
            "experiments", "Experiments on this machine", ("Experiment", "Outcome", "Time"), rows, frozenset({2})
        )
