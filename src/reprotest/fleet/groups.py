"""Groups hosts by bit-equal results, and explains the groups by what differs between their manifests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reprotest.across.comparison import Comparison, of_records
from reprotest.across.environment import MATTERS, Finding, ranked
from reprotest.across.sides import of_record
from reprotest.compare.outcome import Outcome
from reprotest.compare.platform import Platform, facets
from reprotest.fleet.cluster import Target
from reprotest.record import Record


@dataclass(frozen=True)
class Member:
    """One host's finished run. `record`: None where it was too large to be brought here."""

    target: Target
    host: str
    outcome: Outcome
    platform: Platform
    record: Record | None
    seconds: float


@dataclass(frozen=True)
class Group:
    """Hosts with the very same result; `comparison` is with the first group, None for that itself or without records."""

    members: tuple[Member, ...]
    comparison: Comparison | None = None

    @property
    def outcome(self) -> Outcome:
        return self.members[0].outcome


def grouped(members: Sequence[Member], cwd: Path) -> list[Group]:
    """The groups, the largest first. All others are compared with that one."""
    by_digest: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        by_digest[member.outcome.digest].append(member)
    groups = [Group(tuple(found)) for found in sorted(by_digest.values(), key=lambda g: (-len(g), g[0].target.name))]
    return [*groups[:1], *(replace(group, comparison=compared(groups[0], group, cwd)) for group in groups[1:])]


def compared(first: Group, other: Group, cwd: Path) -> Comparison | None:
    """Two groups by a record of each; what tells them apart on every host comes first. None where there are no records."""
    a = next((m for m in first.members if m.record is not None), None)
    b = next((m for m in other.members if m.record is not None), None)
    if a is None or b is None or a.record is None or b.record is None:
        return None
    sides = (of_record(a.target.shown, a.record), of_record(b.target.shown, b.record))
    found = of_records(*sides, cwd)
    found.notes = [note for note in found.notes if "not sealed" not in note]
    found.environment = _separating(found.environment, first, other)
    return found


def _separating(findings: list[Finding], first: Group, other: Group) -> list[Finding]:
    """Raise what tells the two groups apart on every host; what also differs within a group explains nothing."""
    told = []
    exact = [finding for finding in findings if _tells_apart(finding, first, other)]
    facets_alone = [finding for finding in exact if finding.a is not None or finding.b is not None]
    several = len(first.members) + len(other.members) > 2
    for finding in findings:
        if finding not in exact:
            told.append(replace(finding, likely=round(finding.likely / 10, 3), evidence="differs within a group, too"))
        elif several and facets_alone == [finding]:
            said = "alone tells the groups apart, on every host"
            told.append(replace(finding, known=MATTERS, likely=1.0, evidence=said))
        else:
            told.append(finding)
    return ranked(told)


def _tells_apart(finding: Finding, first: Group, other: Group) -> bool:
    ours, theirs = ({_value(finding, member) for member in group.members if member.record} for group in (first, other))
    return len(ours) == len(theirs) == 1 and ours != theirs


def _value(finding: Finding, member: Member) -> str:
    assert member.record is not None
    readings: dict[str, Any] = member.record.factors
    if finding.a is not None or finding.b is not None:
        return str(facets(readings, member.record.modules).get(finding.factor))
    reading = readings.get(finding.factor, {})
    return repr([_at(reading, change.key) for change in finding.changes])


def _at(reading: Any, key: str) -> Any:
    """The value at a dotted key, of which parts may hold dots themselves."""
    if not isinstance(reading, dict) or key in reading:
        return reading.get(key) if isinstance(reading, dict) else None
    for name, inner in reading.items():
        if key.startswith(f"{name}."):
            return _at(inner, key[len(name) + 1 :])
    return None
