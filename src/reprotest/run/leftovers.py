"""What lies in a store beside the records: what goes with a record that is removed, and what killed sessions have left."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reprotest.run.catalog import entries, is_running, read_json
from reprotest.run.store import OWNER, Store

_ID = re.compile(r"\d{8}T\d{6}\.\d{6}-[0-9a-f]{6}")
_DAY = 86_400


def belonging(store: Store, gone: AbstractSet[str]) -> list[Path]:
    """The results, pages and notebook cells of these runs, and of no other that is there.

    A result bears the id of its session's first run, a page those of the runs that it compares; cells name the runs that were made
    of them.
    """
    reports = [path for path in _reports(store) if not gone.isdisjoint(_ID.findall(path.name))]
    cells = [
        folder for folder, runs in _cells(store) if runs and not gone.isdisjoint(runs) and not _there(store, runs, gone)
    ]
    return [*reports, *cells]


def outdated(store: Store, *, keep: int | None = None, days: float | None = None, now: float = 0.0) -> list[Path]:
    """Results that bear no run's id, or those of runs that are gone: nothing but their age says when to remove them.

    Args:
        store: where.
        keep: those that are older than the newest so many sealed records.
        days: those that are older than this, counted back from `now` (seconds since 1970).

    Returns:
        Without either, none.
    """
    sealed = [entry.name for entry in entries(store) if entry.sealed]
    if (keep is None and days is None) or (keep is not None and len(sealed) < keep):
        return []
    oldest = sealed[keep - 1] if keep else None
    found = []
    for path in _reports(store):
        seconds = _begun(path)
        if seconds is None or any((store.root / "runs" / name).exists() for name in _ID.findall(path.name)):
            continue
        if (oldest is None or path.name < oldest) and (days is None or now - seconds > days * _DAY):
            found.append(path)
    return found


def abandoned(store: Store, gone: AbstractSet[str], now: float) -> list[Path]:
    """What killed sessions have left: runs that never began, checkouts of `bisect`, what `vary` would go on from but cannot.

    What has no owner that could be asked is left alone for a day (until `now`, in seconds since 1970), as someone may be making it.
    Files that a killed session was to put back are no business of ours: the next session does that.
    """
    made = [path for path in _listed(store.root / "new") if not is_running(path) and _unowned(path, now)]
    cells = [
        folder
        for folder, runs in _cells(store)
        if not _there(store, runs, frozenset()) and not _at_work(folder) and _unowned(folder, now)
    ]
    trees = [path for path in _listed(store.root / "trees") if _age(path, now) > _DAY]
    searches = [
        path
        for path in _listed(store.root / "vary")
        if path.suffix != ".json" or not _there(store, [Path(str(read_json(path).get("reference") or "-")).name], gone)
    ]
    return [*made, *cells, *trees, *searches]


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [inner for inner in path.rglob("*") if inner.is_file()]
    return sum(file.lstat().st_size for file in files)


def _reports(store: Store) -> Iterator[Path]:
    return (path for path in _listed(store.root / "reports") if path.suffix in (".json", ".html"))


def _begun(path: Path) -> float | None:
    """When a result's session began, in seconds since 1970; None for a file of another name."""
    try:
        return datetime.strptime(path.name[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _cells(store: Store) -> Iterator[tuple[Path, list[str]]]:
    """Folders of notebook cells, each with the runs that were made of it."""
    for folder in _listed(store.root / "cells"):
        runs: Any = read_json(folder / "job.json").get("records")
        yield folder, [str(name) for name in runs] if isinstance(runs, list) else []


def _there(store: Store, runs: Iterable[str], gone: AbstractSet[str]) -> bool:
    return any((store.root / "runs" / name).is_dir() for name in runs if name not in gone)


def _at_work(folder: Path) -> bool:
    return is_running(folder) and "records" not in read_json(folder / "job.json")


def _unowned(path: Path, now: float) -> bool:
    return (path / OWNER).exists() or _age(path, now) > _DAY


def _age(path: Path, now: float) -> float:
    """Seconds since anything was put directly into it."""
    try:
        return now - path.lstat().st_mtime
    except OSError:
        return 0.0


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
