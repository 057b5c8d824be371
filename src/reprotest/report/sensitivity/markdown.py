"""The sensitivity table as Markdown, for an issue, a README or a paper's supplement."""

from __future__ import annotations

from reprotest.report import words
from reprotest.report.sensitivity import words as said
from reprotest.vary.result import VaryReport


def text(report: VaryReport) -> str:
    """The document; the report must be presentable."""
    lines = [f"**{said.headline(report)}.** {said.sentence(report)}", ""]
    if report.sensitive_to:
        lines += [_line(said.COLUMNS), _line(["---"] * len(said.COLUMNS))]
        for item in report.sensitive_to:
            factor, *rest = said.row(item)
            lines.append(_line([f"`{factor}`", *rest]))
        lines.append("")
    if report.insensitive_to:
        lines += [f"Changes nothing: {words.listing([f'`{name}`' for name in report.insensitive_to], 40)}.", ""]
    for left in (*report.skipped, *report.untried):
        lines.append(f"- not varied: `{left.factor}`{f' ({left.to})' if left.to else ''}: {left.why}")
    return "\n".join(lines).rstrip() + "\n"


def _line(cells: tuple[str, ...] | list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
