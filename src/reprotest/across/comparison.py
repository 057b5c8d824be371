"""Compares two sides: the environment first, then the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reprotest.across import knowledge
from reprotest.across.environment import Finding, differences, informed
from reprotest.across.sides import Side
from reprotest.compare import first_difference, output_difference
from reprotest.compare.course import ABSENT, SEEN, course
from reprotest.compare.outcome import diverging_step
from reprotest.compare.platform import differing
from reprotest.digest.device import MARK
from reprotest.errors import UsageError
from reprotest.lock.file import Locked, PlatformClass
from reprotest.record import Record
from reprotest.result import Difference, Experiment

SCHEMA = "reprotest.compare/1"


@dataclass(frozen=True)
class Point:
    """How far two runs are apart from `step` on: largest relative difference of the numbers kept (None: it shows in the bits alone)."""

    step: int
    relative: float | None
    differing: int
    events: int


@dataclass
class Comparison:
    """What differs between two sides.

    Attributes:
        kind: records | manifests | locks | revisions
        a, b: as they were given.
        identical: are the results (of manifests: the environments) the same?
        environment: every factor that differs, ranked.
        first_difference: of two records.
        growth: of two records: from their first difference to the end, at most 128 points.
        experiments: of two locks: for each name what differs. Of records: the rows of `--prove`.
        notes: sentences.
        records: folders of the two records.
    """

    kind: str
    a: str
    b: str
    identical: bool
    environment: list[Finding] = field(default_factory=list)
    first_difference: Difference | None = None
    growth: list[Point] = field(default_factory=list)
    experiments: list[Experiment] = field(default_factory=list)
    locked: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    records: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        difference = self.first_difference
        return {
            "schema": SCHEMA,
            "verdict": "identical" if self.identical else "different",
            "kind": self.kind,
            "a": self.a,
            "b": self.b,
            "environment": [finding.to_json() for finding in self.environment],
            "first_difference": difference.to_json() if difference else None,
            "growth": [vars(point) for point in self.growth],
            "locked": self.locked,
            "experiments": [
                {"what": e.what, "factor": e.factor, "outcome": e.outcome, "seconds": e.seconds, "note": e.note}
                for e in self.experiments
            ],
            "notes": self.notes,
            "records": self.records,
        }


def compare(a: Side, b: Side, cwd: Path) -> Comparison:
    """Two records, two locks, or two manifests; a record beside a manifest is taken for its manifest.

    Raises:
        UsageError: a lock and something else.
        RecordError: a record is damaged, or two have digests that cannot be compared.
    """
    if (a.lock is None) != (b.lock is None):
        raise UsageError(f"{a.shown} is a {a.kind} and {b.shown} a {b.kind}: expected two of a kind")
    if a.lock is not None and b.lock is not None:
        return _locks(a, b)
    if a.record is not None and b.record is not None:
        return of_records(a, b, cwd)
    found = differences(a.readings, b.readings, modules=a.modules | b.modules)
    return Comparison("manifests", a.shown, b.shown, not found, found)


def of_records(a: Side, b: Side, cwd: Path, kind: str = "records") -> Comparison:
    """Two runs: environment, results, and how the difference grows."""
    x, y = a.record, b.record
    assert x is not None
    assert y is not None
    first = first_difference(x, y)
    notes = [
        f"{side.shown} is not sealed: it is compared as far as it goes"
        for side in (a, b)
        if side.record and not side.record.sealed
    ]
    if first is None and not any(n for record in (x, y) for phase, n in record.phases.items() if phase != "state"):
        first, masked = output_difference(x, y)
        notes.append(
            "nothing but the output could be compared" + (f", with {', '.join(masked)} masked" if masked else "")
        )
    if _on_device(x) != _on_device(y):
        notes.append(
            "one of them alone computed digests of large tensors on a GPU, which are of another kind: such tensors were not compared"
        )
    ours, theirs = x.manifest.get("command"), y.manifest.get("command")
    if ours != theirs:
        notes.append("the two records are of different commands")
    found = differences(a.readings, b.readings, modules=a.modules | b.modules, first=first)
    if isinstance(ours, list) and ours == theirs:
        found = informed(found, knowledge.of_command([str(word) for word in ours], cwd, (x, y)))
    return Comparison(
        kind,
        a.shown,
        b.shown,
        first is None,
        found,
        first,
        _growth(x, y, first),
        notes=notes,
        records=[str(x.path), str(y.path)],
    )


def _on_device(record: Record) -> bool:
    """Does it hold digests that were computed on a GPU?"""
    templates = (stream.template(s.template) for stream in record.streams.values() for s in stream.segments())
    return any((event.dtype or "").endswith(MARK) for template in templates for event in template.described)


def _growth(a: Record, b: Record, first: Difference | None) -> list[Point]:
    if first is None or first.phase == "output":
        return []
    seen = course(a, b)
    points: list[Point] = []
    for step, largest, events, apart in zip(seen.steps, seen.largest, seen.events, seen.differing, strict=True):
        if largest != ABSENT and (points or apart):
            points.append(
                Point(int(step), None if largest <= SEEN and apart else float(largest), int(apart), int(events))
            )
    return points


def _locks(a: Side, b: Side) -> Comparison:
    assert a.lock is not None
    assert b.lock is not None
    said: dict[str, str] = {}
    for name in sorted(a.lock.keys() | b.lock.keys()):
        ours, theirs = a.lock.get(name), b.lock.get(name)
        if ours is None or theirs is None:
            said[name] = f"only in {a.shown if theirs is None else b.shown}"
        elif ours.command != theirs.command or ours.steps != theirs.steps:
            said[name] = "another command, or another number of steps"
        else:
            said[name] = _one_lock(ours, theirs)
    said = {name: text for name, text in said.items() if text}
    return Comparison("locks", a.shown, b.shown, not said, locked=said)


def _one_lock(a: Locked, b: Locked) -> str:
    """What differs in the results; empty when every class that both have is the same."""
    texts = []
    for ours in a.classes:
        theirs = _like(ours, b.classes)
        if theirs is None or ours.outcome.digest == theirs.outcome.digest:
            continue
        parted = diverging_step(ours.outcome, theirs.outcome)
        where = f", from after step {parted[1]} on" if parted else ""
        values = [
            f"{name} {ours.outcome.values[name]:.6g} → {theirs.outcome.values[name]:.6g}"
            for name in ours.outcome.values
            if name in theirs.outcome.values and ours.outcome.values[name] != theirs.outcome.values[name]
        ]
        platforms = [
            f"{f} {ours.platform.get(f)} → {theirs.platform.get(f)}" for f in differing(ours.platform, theirs.platform)
        ]
        data = [path for path in sorted(a.data.keys() | b.data.keys()) if a.data.get(path) != b.data.get(path)]
        more = [*values[:4], *platforms, *(f"data {path}" for path in data[:4])]
        texts.append(f"other results on {ours.name(a.depends_on)}{where}" + (f": {'; '.join(more)}" if more else ""))
    return ". ".join(texts)


def _like(made: PlatformClass, classes: Sequence[PlatformClass]) -> PlatformClass | None:
    """The class of the other lock that is most like this one."""
    return min(classes, key=lambda c: len(differing(c.platform, made.platform)), default=None)
