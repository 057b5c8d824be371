"""What the verb `report` is to show: a result that was kept or given, or records that are compared now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprotest.across.comparison import of_records
from reprotest.across.sides import of_record
from reprotest.compare import first_difference
from reprotest.record import Record, open_record
from reprotest.report import saved
from reprotest.report.json import document, finite
from reprotest.result import Difference, RunReport, Verdict
from reprotest.secrets import mask_command


@dataclass(frozen=True)
class Presented:
    """A document, and the folder to which its records and locations are relative."""

    document: dict[str, Any]
    root: Path
    name: str


def of(root: Path, words: Sequence[str]) -> Presented:
    """What these words name: nothing the last result, one word a result or a record, several words records.

    Raises:
        UsageError: there is no such thing. RecordError: it cannot be read.
    """
    if not words:
        path = saved.last(root)
        return Presented(saved.load(path), root, path.stem)
    if len(words) == 1:
        path = saved.find(root, words[0], result=True)
        if not path.is_dir():
            return Presented(saved.load(path), root, path.stem)
        return _records([path])
    return _records([saved.find(root, word, result=False) for word in words])


def place(root: Path, shown: Presented) -> Path:
    """Where the page goes when nobody said where: into the store."""
    from reprotest.run.store import Store

    folder = Store.at(str(root)).root / "reports"
    folder.mkdir(exist_ok=True)
    return folder / f"{shown.name}.html"


def _records(paths: Sequence[Path]) -> Presented:
    """Records, compared with the first of them, as a result."""
    paths = [path.absolute() for path in paths]
    records = [open_record(path) for path in paths]
    try:
        if len(paths) == 1:
            shown = _single(records[0], paths[0])
        elif len(paths) == 2:
            a, b = (of_record(label, record) for label, record in zip(_labels(paths), records, strict=True))
            shown = finite(of_records(a, b, _project(paths[0])).to_json())
        else:
            shown = document(_compared(records, paths))
        return Presented(shown, _project(paths[0]), "-".join(path.name for path in paths[:2]))
    finally:
        for record in records:
            record.close()


def _single(record: Record, path: Path) -> dict[str, Any]:
    code = record.exit.get("exit_code")
    return {
        "schema": "reprotest.record/1",
        "command": mask_command(_command(record, path)),
        "steps": record.steps,
        "seconds": _seconds(record),
        "exit_code": code if isinstance(code, int) else None,
        "observed": record.phases,
        "uses": record.uses(),
        "unobserved": record.notes(),
        "records": [str(path)],
    }


def _command(record: Record, path: Path) -> list[str]:
    command = record.manifest.get("command")
    return [str(word) for word in command] if isinstance(command, list) else [path.name]


def _seconds(record: Record) -> float:
    seconds = record.exit.get("seconds")
    return float(seconds) if isinstance(seconds, int | float) else 0.0


def _compared(records: Sequence[Record], paths: Sequence[Path]) -> RunReport:
    first = records[0]
    found: Difference | None = None
    for other in records[1:]:
        found = found or first_difference(first, other)
    return RunReport(
        Verdict.IDENTICAL if found is None else Verdict.DIFFERENT,
        _command(first, paths[0]),
        len(records),
        max(record.steps for record in records),
        sum(map(_seconds, records)),
        first_difference=found,
        observed=first.phases,
        unobserved=list(dict.fromkeys(note for record in records for note in record.notes())),
        exit_codes=[int(record.exit.get("exit_code") or 0) for record in records],
        records=[str(path) for path in paths],
    )


def _labels(paths: Sequence[Path]) -> list[str]:
    """The six letters at the end of each id, where these tell them apart."""
    short = [path.name.rpartition("-")[2] for path in paths]
    return short if len(set(short)) == len(paths) else [str(path) for path in paths]


def _project(run: Path) -> Path:
    """The project that a run belongs to, when it lies in a store; else the working directory."""
    for folder in run.parents:
        if folder.name == ".reprotest":
            return folder.parent
    return Path.cwd()
