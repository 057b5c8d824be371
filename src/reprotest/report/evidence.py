"""What the records of a result's runs show beside the verdict: how the runs drift apart, and on what machines they ran."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprotest.compare.course import Course, course
from reprotest.errors import RecordError
from reprotest.record import Record, open_record
from reprotest.report.excerpt import clean
from reprotest.report.tree import NOTHING, Cell, Table
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
    environment = tuple(_environment([record.manifest for record in records], labels))
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


def _environment(manifests: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> Iterator[Table]:
    flat = [dict(_flat(manifest.get("factors") or {})) for manifest in manifests]
    flat = [readings for readings in flat if readings]
    if not flat:
        return
    if len(flat) == len(manifests) > 1:
        keys = list(dict.fromkeys(key for readings in flat for key in readings))
        rows = tuple(
            (Cell(key[0], code=True), Cell(key[1]), *(Cell(readings.get(key, NOTHING)) for readings in flat))
            for key in keys
            if len({readings.get(key) for readings in flat}) > 1
        )
        if rows:
            yield Table(
                "environment-difference",
                "Differences between the environments",
                ("Factor", "What", *labels),
                rows,
                about="What was read of the machine, the packages and the settings, where the runs do not agree.",
            )
    first = tuple((Cell(factor, code=True), Cell(what), Cell(value)) for (factor, what), value in flat[0].items())
    yield Table("environment", f"Environment of {labels[0]}", ("Factor", "What", "Reading"), first)


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
