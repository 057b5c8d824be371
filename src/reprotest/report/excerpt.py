"""Lines to show beside a verdict: the source round a guilty line, the end of what a failed program wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reprotest.secrets import mask_text

CONTEXT = 3
"""Lines shown before and after the guilty one."""
_LIMIT = 4_000_000
"""Bytes: a larger "source file" is not read."""
_WIDTH = 400
"""Characters of one line that are kept."""
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Excerpt:
    """Some lines of a source file.

    Attributes:
        path: as reports name it.
        line: the guilty line, from 1.
        first: number of the first line shown.
        lines: their text, indentation kept, secrets masked.
    """

    path: str
    line: int
    first: int
    lines: tuple[str, ...]


def split_location(location: str) -> tuple[str, int] | None:
    """ "train.py:22" as path and line; None when it does not name a line."""
    path, _, line = location.rpartition(":")
    return (path, int(line)) if path and line.isascii() and line.isdigit() else None


def excerpt(location: str | None, root: str | Path = ".", context: int = CONTEXT) -> Excerpt | None:
    """The lines round a location ("path:line", relative to `root`); None when the file or the line cannot be shown."""
    place = split_location(location) if location else None
    if place is None:
        return None
    path, line = place
    file = Path(root, path)
    try:
        if file.stat().st_size > _LIMIT:
            return None
        source = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    if not 1 <= line <= len(source):
        return None
    first, last = max(1, line - context), min(len(source), line + context)
    while first < line and not source[first - 1].strip():
        first += 1
    while last > line and not source[last - 1].strip():
        last -= 1
    lines = tuple(mask_text(clean(text).expandtabs(4)) for text in source[first - 1 : last])
    return Excerpt(path, line, first, lines)


def tail(file: Path, lines: int = 12, secrets: Iterable[str] | None = None) -> list[str]:
    """The last lines of a text file, harmless to print, with `secrets` masked; empty when there are none."""
    try:
        with file.open("rb") as stream:
            end = stream.seek(0, 2)
            stream.seek(max(0, end - 65536))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    # A progress bar writes its states over each other: only the last one was to be seen.
    shown = [clean(line.rstrip("\r").rpartition("\r")[2]) for line in text.split("\n")]
    while shown and not shown[-1].strip():
        shown.pop()
    return [mask_text(line, secrets) for line in shown[-lines:]]


def clean(text: str) -> str:
    """Text without terminal control sequences, cut to a sensible width."""
    text = _CONTROLS.sub("", _ESCAPES.sub("", text))
    return text if len(text) <= _WIDTH else text[:_WIDTH] + "…"
