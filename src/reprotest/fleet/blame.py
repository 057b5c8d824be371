"""What it is about two hosts, each of which repeats its own result, that their results differ.

What differs between them is ranked as `compare` does it. Where one of them can be made like the other in one factor, that is tried
there; if it gives the other's result exactly, the factor is proven to be the cause. The rest is told by elimination, as not proven.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reprotest.across.environment import HARMLESS, Finding
from reprotest.across.prove import prove
from reprotest.across.sides import of_record
from reprotest.compare.outcome import outcome
from reprotest.compare.platform import platform
from reprotest.diagnose.laboratory import Course, Settings, Trial
from reprotest.fleet.cluster import Target
from reprotest.fleet.groups import Group, Member, compared
from reprotest.fleet.replicates import Replicate, Replicates
from reprotest.result import Cause, RunReport

_WORTH = 0.3
"""What is less likely to have changed the result is not called a cause."""
_MOST = 3


def hosts(
    report: RunReport, runs: Replicates, first: Replicate, other: Replicate, cwd: str, timeout: float | None
) -> None:
    """Enter into the report what differs between the hosts of two runs, and which of it is to blame.

    Args:
        report: of the session.
        runs: all that were made; the workers of both runs repeat their own results.
        first, other: the runs that differ.
        cwd: of the project.
        timeout: seconds that one experiment may take.

    Raises:
        Lost: the other run's worker is gone; what was found until then stands in the report.
    """
    comparison = compared(_group(runs, first), _group(runs, other), Path(cwd))
    assert comparison is not None
    names = (first.target.shown, other.target.shown)
    counted = " and ".join(f"{one.target.shown} in {runs.counts[one.target]} runs" for one in (first, other))
    elimination = f"each repeats its own result ({counted}), so it is not chance"

    def tell(findings: Sequence[Finding], exact: set[str | None]) -> None:
        report.environment = {"a": names[0], "b": names[1], "findings": [f.to_json() for f in findings]}
        report.causes = list(_causes(findings, exact, elimination))

    findings = comparison.environment
    tell(findings, set())
    if not findings:
        report.unobserved.append(f"{elimination}, but nothing that is recorded of the two differs")
    sides = [of_record(name, one.trial.record) for name, one in zip(names, (first, other), strict=True)]
    known = outcome(other.trial.record)
    findings, rows = prove(
        _OnWorker(runs, other.target), sides[0], sides[1], findings, timeout,
        names=names, here=f"on {names[1]}", known=known,
    )  # fmt: skip
    report.experiments += rows
    tell(findings, {row.factor for row in rows if row.note == f"as {names[0]}"})


def _causes(findings: Sequence[Finding], exact: set[str | None], elimination: str) -> Iterator[Cause]:
    """What was shown by experiment, else what is likeliest of all that differs."""
    shown = [finding for finding in findings if finding.factor in exact]
    for finding in shown:
        yield Cause(finding.factor, True, None, finding.evidence, finding.fix)
    if shown:
        return
    likely = [f for f in findings if f.known != HARMLESS and f.likely >= _WORTH]
    for finding in likely[:_MOST] or findings[:1]:
        change = f" ({finding.a} and {finding.b})" if finding.a is not None or finding.b is not None else ""
        evidence = f"{elimination}; this differs between them{change}: {finding.evidence}"
        yield Cause(finding.factor, False, None, evidence, finding.fix)


def _group(runs: Replicates, like: Replicate) -> Group:
    """The workers that gave the same result as a run, that run's first."""
    digest = outcome(like.trial.record).digest
    members: dict[Target, Member] = {}
    for one in (like, *runs.base):
        made = outcome(one.trial.record)
        if made.digest == digest and one.target not in members:
            host = next((host.host for host in runs.hosts if host.name == one.target.shown), "")
            record = one.trial.record
            members[one.target] = Member(one.target, host, made, platform(record), record, one.trial.seconds)
    return Group(tuple(members.values()))


class _OnWorker:
    """What `prove` needs of a laboratory."""

    def __init__(self, runs: Replicates, target: Target) -> None:
        self._runs = runs
        self._target = target

    def run(
        self,
        settings: Settings,
        course: Course,
        *,
        timeout: float | None = None,
        env: Mapping[str, str | None] | None = None,
    ) -> Trial:
        """As `Laboratory.run`, on the worker; how far and how long is the session's affair."""
        return self._runs.one(self._target, env or {})
