"""The tree of `verify` (schema reprotest.verify/1): one part for each experiment of the lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from reprotest.report import words
from reprotest.report.prose import Span
from reprotest.report.tree import NOTHING, Cell, Check, Status, Table, Tree
from reprotest.report.trees._parts import Masked, facts_of
from reprotest.report.trees.experiments import together
from reprotest.result import difference_from_json

_VERDICTS = {
    "identical": (Status.PASSED, "As locked, bit for bit"),
    "within_tolerance": (Status.PASSED, "Within the tolerance, not bit for bit"),
    "different": (Status.FAILED, "Not as locked"),
    "error": (Status.ERROR, "The command failed"),
}


def tree(document: Mapping[str, Any], root: Path, title: str | None) -> Tree:
    """See `report.trees`."""
    parts = tuple(_part(str(name), item) for name, item in document["experiments"].items())
    if len(parts) == 1:
        return parts[0]
    made = together(parts, title or "reprotest.lock", "verify")
    headline = "As locked" if made.status is Status.PASSED else "Not as locked"
    return made if made.status is Status.ERROR else replace(made, headline=headline)


def _part(name: str, item: Mapping[str, Any]) -> Tree:
    masked = Masked()
    status, headline = _VERDICTS[item["verdict"]]
    said = masked(item.get("said") or "")
    where = f" Class of machines: {masked(item['class'])}." if item.get("class") else ""
    first = difference_from_json(item.get("first_difference"))
    suspects = [f"{s['factor']}: {masked(s['before'])} → {masked(s['now'])}" for s in item.get("suspects") or ()]
    detail = "\n".join([said, *(f"other than when it was locked: {suspect}" for suspect in suspects)])
    seconds = float(item.get("seconds") or 0.0)
    return Tree(
        verb="verify",
        title=name,
        status=status,
        headline=headline,
        paragraph=(Span(words.sentence(said) + where),),
        facts=(*facts_of(first), *_parted(item.get("parted"))),
        tables=tuple(_tables(item, masked)),
        checks=(Check(name, status, words.first_line(said), detail, seconds),),
        seconds=seconds,
        records=(str(item["record"]),) if item.get("record") else (),
    )


def _parted(parted: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    if parted:
        yield "The results agree until", f"{words.count(int(parted['agree_until']), 'step')} are done"
        if parted.get("differ_at") is not None:
            yield "They differ after", words.count(int(parted["differ_at"]), "step")


def _tables(item: Mapping[str, Any], masked: Masked) -> Iterator[Table]:
    suspects = item.get("suspects") or ()
    if suspects:
        rows = tuple(
            (
                Cell(str(s["factor"]), code=True),
                Cell(NOTHING if s["before"] is None else masked(s["before"])),
                Cell(NOTHING if s["now"] is None else masked(s["now"])),
                Cell("shown to matter", Status.FAILED) if s.get("known") else Cell("not known"),
            )
            for s in suspects
        )
        yield Table(
            "suspects",
            "Other than when it was locked",
            ("Factor", "Locked", "Now", "Does the result depend on it?"),
            rows,
            about="The likeliest reason first.",
        )
    values = item.get("values") or ()
    if values:
        shown = tuple(
            (
                Cell(masked(v["name"]), code=True),
                Cell(_number(v["expected"])),
                Cell(_number(v["found"])),
                Cell(
                    "within" if v["holds"] else "beyond", Status.PASSED if v["holds"] else Status.FAILED, v["tolerance"]
                ),
            )
            for v in values
        )
        yield Table("values", "Values", ("Value", "Locked", "Now", "Tolerance"), shown, frozenset({1, 2}))


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.9g}"
