"""The audit for people: the worst first, each with its place, the reason and the remedy."""

from __future__ import annotations

from collections.abc import Iterator

from reprotest.audit.examine import Audit
from reprotest.audit.finding import Finding, Severity

_PLURAL = {Severity.ERROR: "errors", Severity.WARNING: "warnings", Severity.NOTE: "notes"}


def lines(audit: Audit) -> Iterator[str]:
    """The report, line by line."""
    shown = [finding for finding in audit.findings if finding.reason is None and not finding.known]
    said: set[str] = set()
    for finding in shown:
        yield f"{finding.file}:{finding.line}: {finding.severity}: {finding.message} [{finding.id}]"
        remedy = f"    fix: {finding.fix}"
        if finding.id not in said:
            yield f"    why: {finding.check.why}"
            yield f"         {finding.check.source}"
            yield remedy
        elif finding.fix != finding.check.fix:
            yield remedy
        said.add(finding.id)
    if shown:
        yield ""
    ignored: dict[str, Finding] = {f.id: f for f in audit.findings if f.reason is not None}
    for finding in ignored.values():
        yield f"ignored: {finding.id}: {finding.reason}"
    known = sum(finding.known for finding in audit.findings)
    if known:
        yield f"in the baseline: {known}"
    yield summary(audit)
    if any(finding.check.mend is not None for finding in shown):
        yield "`python -m reprotest doctor --fix` mends what is safe to mend; --undo takes it back"


def summary(audit: Audit) -> str:
    """One line."""
    counts = []
    for severity in Severity:
        count = audit.count(severity)
        counts.append(f"{count} {severity if count == 1 else _PLURAL[severity]}")
    return f"{'passed' if audit.passed else 'failed'}: {', '.join(counts)} in {len(audit.checks)} checks"
