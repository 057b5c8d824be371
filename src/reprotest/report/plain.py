"""A result as plain text, for exceptions and logs."""

from __future__ import annotations

from pathlib import Path

from reprotest.report import words
from reprotest.report.excerpt import excerpt, tail
from reprotest.report.presentable import presentable
from reprotest.result import Cause, RunReport
from reprotest.secrets import known_secrets


def message(report: RunReport, root: str | Path = ".") -> str:
    """What an AssertionError says: the first difference, its causes with their lines, and what to change."""
    report = presentable(report)
    lines = [f"{words.program(report.command)} is not reproducible: {words.compared(report.runs, report.steps)} differ"]
    first = report.first_difference
    if first is not None:
        size = words.size(first)
        lines.append(f"  first difference: {words.place(first)}" + (f": {size}" if size else ""))
    for cause in report.causes:
        lines += _cause(cause, root)
    if not report.causes:
        tried = len(report.experiments)
        lines.append(
            f"  cause: not found by {words.count(tried, 'experiment')}" if tried else "  cause: not looked for"
        )
    if report.records:
        lines.append(f"  records: {', '.join(report.records)}")
    return "\n".join(lines)


def _cause(cause: Cause, root: str | Path) -> list[str]:
    lines = [f"  cause: {words.cause(cause)}: {cause.evidence}"]
    found = excerpt(cause.location, root, context=0)
    if found is not None:
        lines.append(f"    > {found.line} | {found.lines[0].strip()}")
    return [*lines, f"  what to change: {cause.fix}"]


def failure(report: RunReport, root: str | Path = ".") -> str:
    """What is said when the command under test fails by itself."""
    secrets = known_secrets(command=report.command)
    report = presentable(report)
    said = report.error or "it did not run through"
    text = f"{words.program(report.command)} failed by itself, so there is nothing to compare: {said}"
    if report.records and "\n" not in said:
        last = tail(Path(root, report.records[-1], "stderr.txt"), secrets=secrets)
        text += "".join(f"\n  {line}" for line in last)
    return text


def compared_anything(report: RunReport) -> bool:
    """Was anything of the program itself seen, not only what it printed?"""
    return any(n for phase, n in report.observed.items() if phase != "state")
