"""What lies in a store: listing it, finding a record by the beginning of its name, and clearing away old ones."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from reprotest.errors import RecordError, UsageError
from reprotest.record.seal import NAME as SEAL
from reprotest.run.processes import started
from reprotest.run.store import OWNER, Store

_LATEST = re.compile(r"latest(?:~(\d+))?")
_RESULT = "result.json"


@dataclass(frozen=True)
class Entry:
    """One record of a store, looked at only as far as it is asked for.

    Attributes:
        path: its folder. The name begins with the time of its start.
    """

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def sealed(self) -> bool:
        return (self.path / SEAL).exists()

    @property
    def running(self) -> bool:
        """Is it being made just now?"""
        return is_running(self.path)

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        return read_json(self.path / "manifest.json")

    @cached_property
    def _result(self) -> dict[str, Any]:
        return read_json(self.path / _RESULT)

    @property
    def command(self) -> str:
        words = self._manifest.get("command")
        return shlex.join(str(word) for word in words) if isinstance(words, list) else ""

    @property
    def started(self) -> str:
        """When it began, in UTC: "2026-11-26 00:47:43"."""
        match = re.match(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)", self.name)
        return "{}-{}-{} {}:{}:{}".format(*match.groups()) if match else str(self._manifest.get("started") or "")

    @property
    def steps(self) -> int | None:
        steps = self._result.get("steps")
        return steps if isinstance(steps, int) else None

    @property
    def digest(self) -> str | None:
        """Equal digests are equal results."""
        digest = self._result.get("digest")
        return digest if isinstance(digest, str) else None

    @property
    def state(self) -> str:
        """sealed | running | unsealed (it was killed, or reprotest was, before the record was sealed)"""
        return "sealed" if self.sealed else "running" if self.running else "unsealed"

    def to_json(self) -> dict[str, Any]:
        keys = ("name", "state", "started", "command", "steps", "digest")
        return {key: getattr(self, key) for key in keys} | {"path": str(self.path)}


def entries(store: Store) -> list[Entry]:
    """Every record, the newest first. A thousand of them are listed without opening one."""
    try:
        folders = sorted((path for path in (store.root / "runs").iterdir() if path.is_dir()), reverse=True)
    except OSError:
        return []
    return [Entry(path) for path in folders]


def find(store: Store, prefix: str) -> Entry:
    """The record whose name, or the six letters at the end of it, begins with `prefix`; also "latest" and "latest~2".

    Raises:
        RecordError: none, or more than one.
    """
    found = list(_matching(entries(store), prefix))
    if len(found) == 1:
        return found[0]
    if not found:
        raise RecordError(f"no record {prefix!r} in {store.root}: `python -m reprotest records` lists them")
    names = ", ".join(entry.name for entry in found[:3]) + (", …" if len(found) > 3 else "")
    raise RecordError(f"{prefix!r} is the beginning of {len(found)} records ({names}): give more of it")


def select(store: Store, prefixes: Iterable[str]) -> list[Entry]:
    """All records that one of these is the beginning of; all there are without any. Raises RecordError for one that fits none."""
    everything = entries(store)
    wanted: dict[str, Entry] = {}
    given = list(prefixes)
    for prefix in given:
        found = list(_matching(everything, prefix))
        if not found:
            raise RecordError(f"no record {prefix!r} in {store.root}: `python -m reprotest records` lists them")
        wanted |= {entry.name: entry for entry in found}
    return [e for e in everything if e.name in wanted] if given else everything


def stale(
    store: Store, *, prefixes: Iterable[str] = (), keep: int | None = None, days: float | None = None, now: float = 0.0
) -> list[Entry]:
    """The records to clear away; never one that is being made.

    Args:
        store: where.
        prefixes: these, whatever their age.
        keep: all but the newest so many sealed ones.
        days: those begun longer ago than this, counted back from `now` (seconds since 1970).

    Returns:
        Without any of the three: those left unsealed by runs that were killed.

    Raises:
        UsageError: a number below 0.
    """
    if (keep is not None and keep < 0) or (days is not None and days < 0):
        raise UsageError("expected a number of at least 0 for --keep and --older-than")
    chosen = list(prefixes)
    if chosen:
        found = select(store, chosen)
    elif keep is None and days is None:
        found = [entry for entry in entries(store) if not entry.sealed]
    else:
        everything = entries(store)
        kept = {e.name for e in [e for e in everything if e.sealed][:keep]} if keep is not None else set()
        found = [e for e in everything if e.name not in kept and (days is None or _age(e, now) > days)]
    return [entry for entry in found if not entry.running]


def _age(entry: Entry, now: float) -> float:
    """In days."""
    from datetime import UTC, datetime

    try:
        begun = datetime.strptime(entry.started, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        begun = entry.path.stat().st_mtime
    return (now - begun) / 86_400


def _matching(everything: list[Entry], prefix: str) -> Iterator[Entry]:
    latest = _LATEST.fullmatch(prefix)
    if latest is not None:
        yield from everything[int(latest[1] or 0) :][:1]
        return
    if prefix:
        yield from (e for e in everything if e.name.startswith(prefix) or e.name.rpartition("-")[2].startswith(prefix))


def is_running(folder: Path) -> bool:
    """Is the process still at work that has left its name in this folder of a store?"""
    owner = read_json(folder / OWNER)
    pid = owner.get("pid")
    return isinstance(pid, int) and bool(owner.get("started")) and started(pid) == owner["started"]


def read_json(path: Path) -> dict[str, Any]:
    """A small JSON file; empty when it cannot be read: a listing does not stop at a damaged record."""
    try:
        found = json.loads(path.read_bytes()) if path.stat().st_size < 16 << 20 else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
