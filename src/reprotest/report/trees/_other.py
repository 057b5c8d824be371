"""The tree of a document whose schema has no file here: its verdict, its plain values, and each list of objects as a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reprotest.report.prose import Span
from reprotest.report.tree import NOTHING, Cell, Check, Status, Table, Tree
from reprotest.report.trees._parts import Masked, command_line

_GOOD = {"identical", "insensitive", "passed", "pass", "ok", "agrees", "equal", "same", "reproducible"}
_ROWS = 200


def tree(document: Mapping[str, Any], root: Path, title: str | None) -> Tree:
    """See `report.trees`."""
    verb = str(document["schema"]).partition(".")[2].partition("/")[0]
    given = document.get("command")
    masked = Masked([str(word) for word in given] if isinstance(given, list) else ())
    verdict = masked(document.get("verdict", "no verdict"))
    status = Status.PASSED if verdict in _GOOD else Status.ERROR if verdict == "error" else Status.FAILED
    if "verdict" not in document:
        status = Status.SKIPPED
    seconds = document.get("seconds")
    name = title or verb
    return Tree(
        verb=verb,
        title=name,
        status=status,
        headline=verdict.capitalize(),
        paragraph=(Span(f"{verb}: {verdict}."),),
        command=command_line(given) if isinstance(given, list) else "",
        facts=tuple(
            (key.replace("_", " ").capitalize(), masked(value))
            for key, value in document.items()
            if isinstance(value, str | int | float) and key not in ("schema", "verdict", "seconds")
        ),
        tables=tuple(_tables(document, masked)),
        checks=(Check(name, status, f"{verb}: {verdict}"),),
        seconds=float(seconds) if isinstance(seconds, int | float) else 0.0,
        records=tuple(str(path) for path in document.get("records") or ()),
    )


def _tables(document: Mapping[str, Any], masked: Masked) -> Iterator[Table]:
    for key, value in document.items():
        rows = value
        if isinstance(value, Mapping):
            rows = [{"name": name, **item} for name, item in value.items() if isinstance(item, Mapping)]
        if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
            continue
        columns = tuple(dict.fromkeys(str(name) for row in rows[:_ROWS] for name in row))
        yield Table(
            key,
            key.replace("_", " ").capitalize(),
            tuple(column.replace("_", " ") for column in columns),
            tuple(tuple(Cell(_text(row.get(column), masked)) for column in columns) for row in rows[:_ROWS]),
        )


def _text(value: Any, masked: Masked) -> str:
    if value is None:
        return NOTHING
    return masked(json.dumps(value) if isinstance(value, Mapping | list) else value)
