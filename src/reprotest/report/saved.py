"""The results of sessions, kept beside their records as `.reprotest/reports/<id>.json`, and found again by the beginning of an id.

The id is that of the session's first run, so one id names the run and what was found with it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reprotest.errors import RecordError, ReprotestError, UsageError
from reprotest.report.files import write_text
from reprotest.run.store import LOCATION, Store

_MOST = 64 << 20
"""Bytes: no result is larger."""


def keep(document: Mapping[str, Any], root: str | Path) -> Path | None:
    """Keep a verb's document in the store of the project at `root`. None when it cannot be: the verdict stands without it."""
    try:
        folder = Store.at(os.fspath(root)).root / "reports"
        folder.mkdir(exist_ok=True)
        records = list(_records(document))
        name = Path(records[0]).name if records else f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
        path = folder / f"{name}.json"
        write_text("report", str(path), json.dumps(document, indent=1, allow_nan=False) + "\n")
    except (OSError, ReprotestError):
        return None
    return path


def _records(document: Mapping[str, Any]) -> Sequence[str]:
    parts = document.get("experiments")
    if isinstance(parts, Mapping):
        return [path for part in parts.values() if isinstance(part, Mapping) for path in _records(part)]
    records = document.get("records", [document.get("record")])
    return [str(path) for path in records if path] if isinstance(records, list) else []


def store_of(root: str | Path) -> Path:
    """Where the store of a project is, or would be. Creates nothing."""
    return Path(os.environ.get(LOCATION) or Path(root, ".reprotest")).absolute()


def last(root: str | Path) -> Path:
    """The newest result. Raises UsageError when none is kept."""
    kept = sorted(store_of(root).glob("reports/*.json"))
    if not kept:
        raise UsageError(
            f"no result is kept in {store_of(root) / 'reports'}: run `python -m reprotest run COMMAND…` first, "
            "or give the path of a run's folder or of a result's JSON"
        )
    return kept[-1]


def find(root: str | Path, word: str, *, result: bool) -> Path:
    """A run's folder, or a result's file, by its path, its id or the beginning of it; also by the six letters at its end.

    Args:
        root: the project.
        word: what was given.
        result: where an id names both, is the result wanted, not the run?

    Raises:
        UsageError: there is none, or several.
    """
    if word and Path(word).exists():
        return Path(word)
    store = store_of(root)
    found = {path.name: path for path in sorted(store.glob("runs/*")) if path.is_dir() and _begins(path.name, word)}
    kept = {path.stem: path for path in sorted(store.glob("reports/*.json")) if _begins(path.stem, word)}
    found = {**found, **kept} if result else {**kept, **found}
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise UsageError(
            f"no record or result {word!r}: give the path of a result's JSON or of a run's folder, or the beginning of an "
            f"id in {store}"
        )
    names = ", ".join([*found][:3]) + (", …" if len(found) > 3 else "")
    raise UsageError(f"{word!r} is the beginning of {len(found)} ids ({names}): give more of it")


def _begins(name: str, word: str) -> bool:
    return bool(word) and (name.startswith(word) or name.rpartition("-")[2].startswith(word))


def load(path: Path) -> dict[str, Any]:
    """A document from its file. Raises RecordError."""
    try:
        if path.stat().st_size > _MOST:
            raise RecordError(f"{path} is larger than {_MOST >> 20} MiB, which no result is: give what --json wrote")
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path} is not a result of reprotest: {error}; give what --json wrote") from error
    if not isinstance(document, dict):
        raise RecordError(f"{path} is not a result of reprotest: give what --json wrote")
    return document
