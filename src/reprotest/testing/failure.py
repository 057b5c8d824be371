"""A result as pytest shows a failure: the source down to the guilty line, then what was found, marked with E."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from _pytest._code.code import ReprEntry, ReprExceptionInfo, ReprFileLocation, ReprTraceback

from reprotest.report import words
from reprotest.report.excerpt import excerpt, split_location
from reprotest.report.presentable import presentable
from reprotest.result import RunReport

_AROUND = 8
"""Lines shown before the guilty one."""


def different(item: pytest.Item, report: RunReport) -> ReprExceptionInfo:
    """Runs of a test differ."""
    report = presentable(report)
    first = report.first_difference
    said = [f"not reproducible: {words.compared(report.runs, report.steps, item.name)} differ"]
    if first is not None:
        size = words.size(first)
        said.append(f"first difference: {words.place(first)}" + (f": {size}" if size else ""))
    for cause in report.causes:
        said += [f"cause: {words.cause(cause)}: {cause.evidence}", f"what to change: {cause.fix}"]
    if not report.causes:
        tried = words.count(len(report.experiments), "experiment")
        said.append(f"cause: not found by {tried}" if report.experiments else "cause: not looked for")
    said.append(f"records: {', '.join(report.records)}")
    location = next((cause.location for cause in report.causes if cause.location), None)
    return _entry(item, said, location or (first.location if first else None), "NotReproducible")


def told(item: pytest.Item, message: str, kind: str) -> ReprExceptionInfo:
    """A failure that has no line of its own."""
    return _entry(item, message.splitlines() or [""], None, kind)


def _entry(item: pytest.Item, said: list[str], location: str | None, kind: str) -> ReprExceptionInfo:
    path, line, shown = _source(item, location)
    lines = [*shown, *(f"E   {text}" for text in said)]
    where = ReprFileLocation(path, line, kind)
    entry = ReprEntry(lines, None, None, where, "long")
    crash = ReprFileLocation(path, line, f"{kind}: {said[0]}")
    return ReprExceptionInfo(ReprTraceback([entry], None, "long"), crash)


def _source(item: pytest.Item, location: str | None) -> tuple[str, int, list[str]]:
    """The lines to show, and the place that they are at: the guilty one, or else the head of the test."""
    root = item.config.invocation_params.dir
    place = split_location(location) if location else None
    found = excerpt(location, root, context=_AROUND)
    if place is not None and found is not None:
        start = _head(item, Path(root, place[0]), place[1])
        first = max(found.first, start) if start is not None else found.first
        before = found.lines[first - found.first : found.line - found.first]
        guilty = found.lines[found.line - found.first]
        return place[0], place[1], [*(f"    {text}" for text in before), f">   {guilty}"]
    path, line, _ = item.location
    return path, (line or 0) + 1, []


def _head(item: pytest.Item, path: Path, line: int) -> int | None:
    """The first line of the test function, when the guilty line is in it."""
    function = getattr(item, "function", None)
    try:
        source, first = inspect.getsourcelines(function)  # type: ignore[arg-type]
        same = Path(inspect.getsourcefile(function) or "").resolve() == path.resolve()  # type: ignore[arg-type]
    except (OSError, TypeError):
        return None
    return first if same and first <= line < first + len(source) else None
