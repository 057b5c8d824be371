"""What is known of a command by experiment: from the lock, from what `vary` found, and from pairs of records."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reprotest.across.environment import HARMLESS, MATTERS
from reprotest.compare.outcome import outcome
from reprotest.compare.platform import Platform, differing, platform
from reprotest.errors import RecordError
from reprotest.lock import file
from reprotest.record import Record, open_record
from reprotest.run.catalog import entries
from reprotest.run.store import Store
from reprotest.secrets import mask_command

Knowledge = dict[str, tuple[str, str]]
"""Factor → (matters | harmless, how it is known)."""
_MOST_RECORDS = 40
_MOST_REPORTS = 200


def of_command(command: Sequence[str], cwd: Path, given: Sequence[Record] = ()) -> Knowledge:
    """All that is known; what was shown to matter in any way is not harmless.

    Args:
        command: its words, secrets masked.
        cwd: of the project: its lock and its store.
        given: more records of the command.
    """
    sources = (_by_lock(command, cwd), _by_vary(command, cwd), _by_records(command, cwd, given))
    known: Knowledge = {}
    for verdict in (HARMLESS, MATTERS):
        for source in reversed(sources):
            known |= {factor: said for factor, said in source.items() if said[0] == verdict}
    return known


def _by_lock(command: Sequence[str], cwd: Path) -> Knowledge:
    try:
        lock = file.read(file.locate(cwd))
    except RecordError:
        return {}
    known: Knowledge = {}
    for name, locked in lock.items():
        if [word for word in locked.command if word != "--"] == [word for word in command if word != "--"]:
            known |= dict.fromkeys(
                locked.independent_of,
                (HARMLESS, f"{file.NAME} says so of {name}: it was varied, and the result stayed"),
            )
            known |= dict.fromkeys(
                locked.depends_on, (MATTERS, f"{file.NAME} says so of {name}: results differed with it")
            )
    return known


def _by_vary(command: Sequence[str], cwd: Path) -> Knowledge:
    known: Knowledge = {}
    root = Path(os.environ.get("REPROTEST_DIR") or Path(cwd, ".reprotest"))
    for path in sorted(root.glob("reports/*.json"))[-_MOST_REPORTS:]:
        try:
            document: Any = json.loads(path.read_bytes()) if path.stat().st_size < 8 << 20 else None
            if not str(document["schema"]).startswith("reprotest.vary/") or document.get("command") != list(command):
                continue
            known |= {
                str(f): (HARMLESS, "`vary` changed it, and the result stayed") for f in document["insensitive_to"]
            }
            known |= {
                str(row["factor"]): (MATTERS, "`vary` changed it, and the result with it")
                for row in document["sensitive_to"]
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return known


def _by_records(command: Sequence[str], cwd: Path, given: Sequence[Record]) -> Knowledge:
    """Two records of one command whose platforms differ in one facet alone, and in nothing that the user changed."""
    masked = mask_command(command)
    results: list[tuple[str, Platform, Any]] = [_result(record) for record in given]
    root = Path(os.environ.get("REPROTEST_DIR") or Path(cwd, ".reprotest"))
    for entry in entries(Store(root))[:_MOST_RECORDS]:
        if not entry.sealed or entry.digest is None:
            continue
        try:
            record = open_record(entry.path)
            if record.manifest.get("command") == masked and _as_it_is(record):
                results.append((entry.digest, platform(record), _version(record)))
            record.close()
        except RecordError:
            continue
    known: Knowledge = {}
    for n, (digest, where, version) in enumerate(results):
        for other, elsewhere, also in results[n + 1 :]:
            apart = differing(where, elsewhere)
            if len(apart) == 1 and version == also:
                if digest != other:
                    said = f"two records differ, and of their platforms only this: {where.get(apart[0])}, {elsewhere.get(apart[0])}"
                    known[apart[0]] = (MATTERS, said)
                else:
                    known.setdefault(apart[0], (HARMLESS, "two records agree although it differs"))
    return known


def _as_it_is(record: Record) -> bool:
    """Did it run to its end, with nothing held? Another run (the reference of `vary`) may end elsewhere because of what is held."""
    held = record.plan.get("factors")
    free = isinstance(held, dict) and held.keys() <= {"file.order", "external.state"}
    return free and not record.plan.get("stop_after_step")


def _result(record: Record) -> tuple[str, Platform, Any]:
    return outcome(record).digest, platform(record), _version(record)


def _version(record: Record) -> Any:
    """What the user changes: the same in two records, or nothing is shown by them."""
    return record.factors.get("code"), record.factors.get("config")
