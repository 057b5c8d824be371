"""The part of a README that says which results to expect, written from the lock."""

from __future__ import annotations

import math
import re
import shlex
from pathlib import Path

from reprotest.errors import StorageError
from reprotest.lock.file import Lock, replace_file

BEGIN, END = "<!-- begin reprotest.lock -->", "<!-- end reprotest.lock -->"
_BLOCK = re.compile(re.escape(BEGIN) + r".*?" + re.escape(END), re.DOTALL)
_MOST_VALUES = 4


def block(lock: Lock) -> str:
    """The part between the two marks, marks included."""
    rows = [
        "| experiment | command | class of machines | expected | digest |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, locked in sorted(lock.items()):
        for made in locked.classes:
            cells = (
                name,
                f"`{shlex.join(locked.command)}`",
                made.name(locked.depends_on),
                _values(made.outcome.values),
                f"`{made.outcome.digest[:12]}`",
            )
            rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(
        [BEGIN, "`python -m reprotest verify` checks these results, which `reprotest.lock` holds.", "", *rows, END]
    )


def state(path: Path, lock: Lock) -> str | None:
    """current | stale; None where the file has no such part."""
    text = _read(path)
    found = _BLOCK.search(text)
    return None if found is None else "current" if found[0] == block(lock) else "stale"


def update(path: Path, lock: Lock, scratch: Path, *, create: bool) -> bool:
    """Put the part into the file. `create`: also where it has none yet, at its end. Was anything changed?

    Raises:
        StorageError: the file cannot be read or written.
    """
    text = _read(path)
    wanted = block(lock)
    if _BLOCK.search(text):
        changed = _BLOCK.sub(lambda _: wanted, text, count=1)
    elif create:
        changed = f"{text.rstrip()}\n\n## Expected results\n\n{wanted}\n".lstrip()
    else:
        return False
    if changed != text:
        replace_file(path, changed, scratch)
    return changed != text


def _values(values: dict[str, float]) -> str:
    shown = [f"{name} {_number(value)}" for name, value in list(values.items())[:_MOST_VALUES]]
    more = len(values) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more > 0 else [])])


def _number(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else str(value)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"cannot read {path}: {error}") from error
