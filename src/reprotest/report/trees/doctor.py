"""The tree of `doctor` (schema reprotest.doctor/1): a check for each item of the checklist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reprotest.report import words
from reprotest.report.prose import Span
from reprotest.report.tree import Cell, Check, Notes, Status, Table, Tree
from reprotest.report.trees._parts import Masked

_FAILS = ("error", "warning")


def tree(document: Mapping[str, Any], root: Path, title: str | None) -> Tree:
    """See `report.trees`."""
    masked = Masked()
    passed = {"passed": True, "failed": False}[document["verdict"]]
    findings: list[Mapping[str, Any]] = list(document["findings"])
    shown = [found for found in findings if found["ignored"] is None and not found["in_baseline"]]
    counts = [words.count(int(document["counts"][kind]), kind) for kind in ("error", "warning", "note")]
    checks = [
        _check(item, [found for found in findings if found["id"] == item["id"]], masked) for item in document["checks"]
    ]
    status = Status.PASSED if passed else Status.FAILED
    return Tree(
        verb="doctor",
        title=title or root.resolve().name,
        status=status,
        headline="Passed" if passed else "Not passed",
        paragraph=(Span(f"{', '.join(counts)} in {words.count(len(checks), 'check')}."),),
        tables=tuple(_table(shown, masked)),
        notes=tuple(_notes(findings, masked)),
        checks=tuple(checks),
        alike=False,
    )


def _check(item: Mapping[str, Any], findings: Sequence[Mapping[str, Any]], masked: Masked) -> Check:
    name = str(item["id"])
    ignored = next((found["ignored"] for found in findings if found["ignored"] is not None), None)
    if ignored is not None:
        return Check(name, Status.SKIPPED, masked(ignored))
    failing = [f for f in findings if f["severity"] in _FAILS and not f["in_baseline"]]
    if not failing:
        return Check(name, Status.PASSED, masked(item["title"]))
    first = failing[0]
    places = [f"{f['file']}:{f['line']}: {f['severity']}: {f['message']}" for f in failing]
    detail = [*places, f"why: {first['why']} ({first['source']})", f"what to change: {first['fix']}"]
    return Check(name, Status.FAILED, masked(first["message"]), masked("\n".join(detail)))


def _table(findings: Sequence[Mapping[str, Any]], masked: Masked) -> Iterator[Table]:
    rows = tuple(
        (
            Cell(masked(f"{found['file']}:{found['line']}"), code=True),
            Cell(masked(found["message"]), note=masked(found["why"])),
            Cell(str(found["severity"]), Status.FAILED if found["severity"] in _FAILS else Status.SKIPPED),
            Cell(masked(found["fix"]), note="`doctor --fix` does it" if found["fixable"] else None),
        )
        for found in findings
    )
    if rows:
        yield Table("findings", "What was found", ("Place", "What", "Severity", "What to change"), rows)


def _notes(findings: Sequence[Mapping[str, Any]], masked: Masked) -> Iterator[Notes]:
    ignored = {str(f["id"]): masked(f["ignored"]) for f in findings if f["ignored"] is not None}
    if ignored:
        yield Notes("Ignored", tuple(f"{name}: {why}" for name, why in ignored.items()))
    known = sum(bool(found["in_baseline"]) for found in findings)
    if known:
        yield Notes("In the baseline", (words.sentence(words.count(known, "finding")),))
