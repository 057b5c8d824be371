"""The result of `fleet`, as JSON and as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from reprotest.fleet.crew import Answer, Status
from reprotest.fleet.groups import Group
from reprotest.report import compared, words
from reprotest.report.excerpt import clean
from reprotest.secrets import mask_command, mask_text

SCHEMA = "reprotest.fleet/1"


@dataclass
class FleetReport:
    """What came back. Verdict: identical | different | incomplete (those that answered agree, but some did not) | error (none did)."""

    command: Sequence[str]
    answers: list[Answer]
    groups: list[Group]
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        if len(self.groups) > 1:
            return "different"
        if not self.groups:
            return "error"
        return "identical" if all(a.status is Status.DONE for a in self.answers) else "incomplete"

    def to_json(self) -> dict[str, Any]:
        number = {m.target.address: n for n, group in enumerate(self.groups) for m in group.members}
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "command": mask_command(self.command),
            "hosts": [
                {
                    "name": a.target.name,
                    "address": a.target.address,
                    "host": a.result.get("host") or a.target.host,
                    "status": str(a.status),
                    "why": a.why,
                    "group": number.get(a.target.address),
                    "record": a.result.get("name"),
                    "seconds": round(float(a.result.get("seconds", 0.0)), 3),
                }
                for a in self.answers
            ],
            "groups": [
                {
                    "digest": group.outcome.digest,
                    "hosts": [member.target.name for member in group.members],
                    "steps": group.outcome.steps,
                    "values": group.outcome.values,
                    "platform": group.members[0].platform,
                    "comparison": group.comparison.to_json() if group.comparison else None,
                }
                for group in self.groups
            ],
            "notes": self.notes,
            "seconds": round(self.seconds, 3),
        }


def lines(report: FleetReport, *, quiet: bool = False) -> Iterator[str]:
    """The verdict, the groups with what tells them apart, then what is missing."""
    missing = [answer for answer in report.answers if answer.status is not Status.DONE]
    answered = words.count(len(report.answers) - len(missing), "host")
    head = {
        "identical": f"The same on all: {answered} agree bit for bit.",
        "different": f"Not the same everywhere: {answered} gave {len(report.groups)} different results.",
        "incomplete": f"{answered} agree bit for bit, but not all answered.",
        "error": "No host gave a result.",
    }[report.verdict]
    yield head
    if not quiet:
        for number, group in enumerate(report.groups, start=1):
            yield from (clean(mask_text(line)) for line in _group(number, group))
    for answer in missing:
        said, *more = str(answer.why).splitlines() or [""]
        yield clean(mask_text(f"{answer.status}: {answer.target.name} ({answer.target.address}): {said}"))
        if not quiet:
            yield from (clean(mask_text(f"  {line}")) for line in more)
    if not quiet:
        yield from report.notes


def _group(number: int, group: Group) -> Iterator[str]:
    values = ", ".join(f"{name} {value:.6g}" for name, value in list(group.outcome.values.items())[:4])
    yield ""
    yield f"Result {number} ({group.outcome.digest[:12]}{', ' + values if values else ''})"
    for member in group.members:
        yield f"  {member.target.name} on {member.host}, {member.seconds:.1f} s"
    if group.comparison is not None:
        for line in compared.lines(group.comparison):
            yield f"  {line}" if line else ""
