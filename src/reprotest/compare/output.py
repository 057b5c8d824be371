"""Compares what two runs printed, where nothing better was observed: line by line, in bounded memory, times and ids masked."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

from reprotest.compare.masks import masked
from reprotest.record.directory import Record
from reprotest.result import Difference

_CHUNK = 1 << 20
_LONGEST_LINE = 1 << 16
"""Bytes of a line that are looked at together; a longer one counts as several."""
_SHOWN = 100
_SMALLEST_ID = 1000
"""Of a process; smaller numbers are likelier to be something else."""
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?\b(?:nan|inf)\b")


def output_difference(a: Record, b: Record) -> tuple[Difference | None, list[str]]:
    """The first line of standard output, or else of standard error, in which two runs differ once what may differ is masked.

    Returns:
        The difference (named "stdout line 12", its size where numbers alone differ), and what kinds of things had to be masked
        before lines agreed.
    """
    kinds: set[str] = set()
    for name in ("stdout", "stderr"):
        difference = _of_files(name, a.path, b.path, kinds)
        if difference is not None:
            return difference, sorted(kinds)
    return None, sorted(kinds)


def masked_lines(folder: Path, name: str) -> Iterator[str]:
    """The lines of a run's "stdout" or "stderr" with what may differ masked; none where there is no such file."""
    kinds: set[str] = set()
    processes = _process_ids(folder)
    for line in _lines(folder / f"{name}.txt", 0, kinds):
        yield _masked(line, kinds, processes) or ""


def _of_files(name: str, a: Path, b: Path, kinds: set[str]) -> Difference | None:
    of_a, of_b = _process_ids(a), _process_ids(b)
    a, b = (folder / f"{name}.txt" for folder in (a, b))
    skipped, offset = _equal_start(a, b)
    ours, theirs = _lines(a, offset, kinds), _lines(b, offset, kinds)
    number = skipped
    while True:
        number += 1
        x, y = next(ours, None), next(theirs, None)
        if x == y:
            if x is None:
                return None
            continue
        p, q = _masked(x, kinds, of_a), _masked(y, kinds, of_b)
        if p == q:
            continue
        return _difference(f"{name} line {number}", x, y, p, q)


def _masked(line: bytes | None, kinds: set[str], processes: re.Pattern[str] | None) -> str | None:
    if line is None:
        return None
    text, found = masked(line.decode("utf-8", "backslashreplace").rstrip())
    kinds |= found
    if processes is not None:
        text, count = processes.subn("<process ids>", text)
        if count:
            kinds.add("process ids")
    return text


def _process_ids(folder: Path) -> re.Pattern[str] | None:
    """The ids of a run's own processes, which its log may show with nothing that says so. Its notes lie under these names."""
    ids = [path.stem for path in (folder / "watch").glob("*.json")]
    large = [number for number in ids if number.isdigit() and int(number) >= _SMALLEST_ID]
    return re.compile(rf"(?<![\w.])(?:{'|'.join(sorted(large))})(?!\w|\.\d)") if large else None


def _difference(name: str, x: bytes | None, y: bytes | None, p: str | None, q: str | None) -> Difference:
    if x is None or y is None:
        said = f"{_shown(x or y)} in run {1 if y is None else 2}; the other run's output had ended"
        return Difference(0, "output", name, "length", note=said)
    max_abs, max_rel = _numbers_apart(p or "", q or "")
    return Difference(
        0, "output", name, "value", max_abs=max_abs, max_rel=max_rel, note=f"{_shown(x)} in run 1, {_shown(y)} in run 2"
    )


def _shown(line: bytes | None) -> str:
    text = " ".join((line or b"").decode("utf-8", "replace").split())
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def _numbers_apart(a: str, b: str) -> tuple[float | None, float | None]:
    """Largest absolute and relative difference, where two lines differ in nothing but their numbers."""
    if _NUMBER.sub("#", a) != _NUMBER.sub("#", b):
        return None, None
    max_abs = max_rel = 0.0
    for x, y in zip(map(float, _NUMBER.findall(a)), map(float, _NUMBER.findall(b)), strict=True):
        if not (math.isfinite(x) and math.isfinite(y)):
            if repr(x) != repr(y):
                return None, None
            continue
        max_abs = max(max_abs, abs(x - y))
        max_rel = max(max_rel, abs(x - y) / (max(abs(x), abs(y)) or 1.0))
    return (max_abs, max_rel) if math.isfinite(max_abs) else (None, None)


def _equal_start(a: Path, b: Path) -> tuple[int, int]:
    """How many lines, and bytes, are the same in both files from their start on."""
    lines = offset = 0
    if not (a.exists() and b.exists()):
        return 0, 0
    with a.open("rb") as x, b.open("rb") as y:
        while True:
            p, q = x.read(_CHUNK), y.read(_CHUNK)
            if p != q or not p:
                break
            end = p.rfind(b"\n") + 1
            if end == 0 or b"\r" in p:
                break
            lines += p.count(b"\n")
            offset += end
            if end != len(p):
                x.seek(offset)
                y.seek(offset)
                if len(p) < _CHUNK:
                    break
    return lines, offset


def _lines(path: Path, offset: int, kinds: set[str]) -> Iterator[bytes]:
    """The lines from an offset on. Of a line that was overwritten (a progress bar) what was last seen of it."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(offset)
        rest = b""
        while chunk := file.read(_CHUNK):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield from _pieces(line, kinds)
            if b"\r" in rest:
                kinds.add("progress bars")
                # A carriage return at the very end may belong to a line break.
                cut = rest.rstrip(b"\r").rfind(b"\r")
                rest = rest[cut + 1 :]
            while len(rest) >= _LONGEST_LINE:
                yield rest[:_LONGEST_LINE]
                rest = rest[_LONGEST_LINE:]
        if rest:
            yield from _pieces(rest, kinds)


def _pieces(line: bytes, kinds: set[str]) -> Iterator[bytes]:
    line = line.rstrip(b"\r")
    if b"\r" in line:
        kinds.add("progress bars")
        line = next((part for part in reversed(line.split(b"\r")) if part.strip()), b"")
    if len(line) < _LONGEST_LINE:
        yield line
        return
    for start in range(0, len(line), _LONGEST_LINE):
        yield line[start : start + _LONGEST_LINE]
