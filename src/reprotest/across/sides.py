"""One side of a comparison: a record, a lock or a manifest, named by a path or by the beginning of a record's name."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reprotest import manifest
from reprotest.errors import RecordError
from reprotest.lock import file
from reprotest.lock.file import Lock
from reprotest.record import Record, open_record
from reprotest.run.catalog import find
from reprotest.run.store import LOCATION, Store

_MOST = 64 << 20


@dataclass(frozen=True)
class Side:
    """What was named.

    Attributes:
        shown: as it was given.
        readings: of every factor; empty for a lock.
        modules: what the program imported; empty where that is not known.
        record, lock: what it is; both None for a manifest.
    """

    shown: str
    readings: dict[str, dict[str, Any]] = field(default_factory=dict)
    modules: frozenset[str] = frozenset()
    record: Record | None = None
    lock: Lock | None = None

    @property
    def kind(self) -> str:
        return "record" if self.record is not None else "lock" if self.lock is not None else "manifest"


def load(word: str, cwd: Path) -> Side:
    """What a word names: a run's folder, a lock, what `env --json` wrote, or a record of the project's store.

    Raises:
        RecordError: it is none of these, or damaged.
    """
    path = Path(cwd, word)
    if path.is_dir():
        return of_record(word, open_record(path))
    if path.is_file():
        return _of_file(word, path)
    root = Path(os.environ.get(LOCATION) or Path(cwd, ".reprotest")).absolute()
    if not root.is_dir():
        raise RecordError(f"{word} is neither a file nor a folder, and there are no records in {root}")
    return of_record(word, open_record(find(Store(root), word).path))


def of_record(shown: str, record: Record) -> Side:
    return Side(shown, record.factors, record.modules, record=record)


def _of_file(word: str, path: Path) -> Side:
    if path.suffix == ".lock" or path.suffix == ".toml":
        return Side(word, lock=file.read(path))
    try:
        if path.stat().st_size > _MOST:
            raise RecordError(f"{path} is larger than {_MOST >> 20} MiB, which no manifest is")
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise RecordError(
            f"{path} is no manifest ({error}): expected a lock, a run's folder, or what `python -m reprotest env --json FILE` wrote"
        ) from error
    if isinstance(document, dict) and str(document.get("schema", "")).startswith("reprotest.run/"):
        records = document.get("records") or []
        if records and isinstance(records[0], str):
            return of_record(word, open_record(Path(path.parent, records[0])))
    if not isinstance(document, dict) or not isinstance(document.get("factors"), dict):
        raise RecordError(
            f"{path} is no manifest: expected what `python -m reprotest env --json FILE` wrote ({manifest.SCHEMA})"
        )
    readings = {str(k): dict(v) for k, v in document["factors"].items() if isinstance(v, dict)}
    return Side(word, readings)
