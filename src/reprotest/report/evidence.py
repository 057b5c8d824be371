"""What the records of a result's runs show beside the verdict: how the runs drift apart, and on what machines they ran."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprotest.across.environment import differences
from reprotest.compare.course import Course, course
from reprotest.errors import RecordError
from reprotest.record import Record, open_record
from reprotest.report.excerpt import clean
from reprotest.report.tree import Cell, Table
from reprotest.report.trees._parts import Masked
from reprotest.report.trees._parts import environment as environment_table
from reprotest.secrets import MASK, is_secret_name, mask_text

_MOST = 400
"""Characters of one reading."""
_RUN_ONLY = {"pid", "started", "ended"}


@dataclass(frozen=True)
class Evidence:
    """From the records.

    Attributes:
        course: how two runs drift apart; None for a single record.
        names: which two.
        environment: tables on the machines.
        missing: why there is no course, as a sentence; or nothing.
    """

    course: Course | None = None
    names: tuple[str, str] = ("run 1", "run 2")
    environment: tuple[Table, ...] = ()
    missing: str = ""


def evidence(paths: Sequence[Path], *, labels: Sequence[str] = ()) -> Evidence:
    """Read the records of several runs of one result. What cannot be read is said, not raised."""
    records: list[Record] = []
    try:
        for path in paths:
            records.append(open_record(path))
        return _of(records, list(labels) or [f"run {n}" for n in range(1, len(paths) + 1)])
    except RecordError as error:
        return Evidence(missing=f"The records cannot be read: {clean(str(error))}.")
    finally:
        for record in records:
            record.close()


def _of(records: Sequence[Record], labels: Sequence[str]) -> Evidence:
    environment = (*_differences(records, labels), *_readings(records[0], labels[0])) if records else ()
    if len(records) < 2:
        return Evidence(environment=environment)
    shown, names = course(records[0], records[1]), (labels[0], labels[1])
    for other, label in zip(records[2:], labels[2:], strict=True):
        if shown.differing.any():
            break
        found = course(records[0], other)
        if found.differing.any():
            shown, names = found, (labels[0], label)
    if not shown.events.sum():
        return Evidence(environment=environment, missing="The runs have no events in common that could be followed.")
    return Evidence(shown, names, environment)


def _differences(records: Sequence[Record], labels: Sequence[str]) -> Iterator[Table]:
    """Where the machines of the first record and of another differ, ranked as `compare` does."""
    for other, label in zip(records[1:], labels[1:], strict=True):
        ours, theirs = records[0].factors, other.factors
        if ours and theirs:
            modules = records[0].modules | other.modules
            findings = [finding.to_json() for finding in differences(ours, theirs, modules=modules)]
            if findings:
                yield from environment_table(findings, (labels[0], label), Masked())
                return


def _readings(record: Record, label: str) -> Iterator[Table]:
    rows = tuple((Cell(factor, code=True), Cell(what), Cell(value)) for (factor, what), value in _flat(record.factors))
    if rows:
        yield Table("environment", f"Environment of {label}", ("Factor", "What", "Reading"), rows)


def _flat(factors: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    for factor, reading in factors.items():
        if not isinstance(reading, Mapping):
            continue
        for key, value in reading.items():
            if key in _RUN_ONLY:
                continue
            if isinstance(value, Mapping):
                for inner, said in value.items():
                    yield (factor, f"{key}.{inner}"), _said(said, str(inner))
            else:
                yield (factor, str(key)), _said(value, str(key))


def _said(value: Any, name: str) -> str:
    if is_secret_name(name) and isinstance(value, str) and value:
        return MASK
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = ", ".join(value) or "none"
    text = value if isinstance(value, str) else json.dumps(value)
    return clean(mask_text(text[:_MOST]))
