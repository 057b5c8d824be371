"""Results as Markdown, for the summary page of a CI job (`--markdown "$GITHUB_STEP_SUMMARY"`) or a comment on a change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from reprotest.report import words
from reprotest.report.prose import Span
from reprotest.report.tree import MARKS, Cell, Reason, Status, Table, Tree

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~$&@])")
_SIGNS = {
    Status.PASSED: "✅",
    Status.FAILED: "❌",
    Status.ERROR: "⚠️",
    Status.STOPPED: "⚠️",
    Status.SKIPPED: "⏭️",
}


def text(tree: Tree) -> str:
    """The Markdown document (GitHub's dialect)."""
    lines: list[str] = []
    if tree.parts:
        lines += [f"# {_SIGNS[tree.status]} {_plain(tree.headline)}", "", _plain(tree.said), ""]
        lines += _table(
            ("Experiment", "Result"),
            [(_plain(leaf.title), f"{_SIGNS[leaf.status]} {_plain(leaf.headline)}") for leaf in tree.leaves()],
        )
    for leaf in tree.leaves():
        lines += _leaf(leaf)
    return "\n".join(lines).rstrip() + "\n"


def _leaf(tree: Tree) -> Iterator[str]:
    yield from (f"## {_SIGNS[tree.status]} {_plain(tree.headline)}: {_code(tree.title)}", "")
    yield from ("".join(_span(span) for span in tree.paragraph), "")
    for number, reason in enumerate(tree.reasons, start=1):
        yield from _reason(reason, number if len(tree.reasons) > 1 else None)
    if tree.facts:
        yield from ("### First difference", "")
        yield from _table(("What", "Where"), [(_plain(label), _plain(said)) for label, said in tree.facts])
    for table in tree.tables:
        yield from _folded(table)
    for notes in tree.notes:
        yield from (f"**{_plain(notes.title)}**", "")
        yield from (f"- {_plain(item)}" for item in notes.items)
        yield ""
    if tree.command:
        yield from _fenced(tree.command, "sh")
    foot = [words.times(tree.seconds) + " in all"] if tree.seconds else []
    if tree.records:
        foot.append(f"records: {', '.join(_code(path) for path in tree.records)}")
    if foot:
        yield from (f"<sub>{'; '.join(foot)}</sub>", "")


def _span(span: Span) -> str:
    if not span.mark:
        return _SPECIAL.sub(r"\\\1", span.text.replace("\n", " "))
    return _code(span.text) if span.mark == "guilty" else f"**{_plain(span.text)}**"


def _reason(reason: Reason, number: int | None) -> Iterator[str]:
    head = "Cause" if reason.proven else "Likely cause"
    detail = f" ({_plain(reason.detail)})" if reason.detail else ""
    at = f" at {_code(reason.location)}" if reason.location else ""
    yield from (f"### {f'{number}. ' if number else ''}{head}: {_code(reason.factor)}{detail}{at}", "")
    if reason.what:
        yield from (_plain(reason.what), "")
    if reason.excerpt is not None:
        first, guilty = reason.excerpt.first, reason.excerpt.line
        width = len(str(first + len(reason.excerpt.lines)))
        shown = [
            f"{'>' if n == guilty else ' '} {n:>{width}} | {line}"
            for n, line in enumerate(reason.excerpt.lines, start=first)
        ]
        yield from _fenced("\n".join(shown), "text")
    yield from (f"- **{'Proof' if reason.proven else 'Not proven'}:** {_plain(reason.evidence)}",)
    yield from (f"- **What to change:** {_plain(reason.fix)}", "")


def _folded(table: Table) -> Iterator[str]:
    yield from ("<details>", f"<summary>{_html(table.title)} ({len(table.rows)})</summary>", "")
    if table.about:
        yield from (_plain(table.about), "")
    yield from _table(table.columns, [tuple(_cell(cell) for cell in row) for row in table.rows], table.numbers)
    yield from ("</details>", "")


def _cell(cell: Cell) -> str:
    said = _code(cell.text) if cell.code else _plain(cell.text)
    if cell.status is not None:
        said = f"{MARKS[cell.status]} {said}"
    return f"{said}<br>{_plain(cell.note)}" if cell.note else said


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: frozenset[int] = frozenset()
) -> Iterator[str]:
    yield f"| {' | '.join(_plain(column) for column in columns)} |"
    yield f"|{'|'.join('---:' if n in numbers else '---' for n in range(len(columns)))}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _fenced(said: str, language: str) -> Iterator[str]:
    longest = max((len(run) for run in re.findall(r"`{3,}", said)), default=2)
    fence = "`" * (longest + 1)
    yield from (f"{fence}{language}", said, fence, "")


def _plain(said: str) -> str:
    """Text that means nothing to Markdown, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(said.split()))


def _html(said: str) -> str:
    return said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code(said: str) -> str:
    """Text in the font of code, whatever backticks and bars it holds."""
    said = " ".join(said.split())
    if "|" in said or not said:  # a bar would end a table's cell even there
        return _plain(said)
    longest = max((len(run) for run in re.findall(r"`+", said)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if "`" in said else ""
    return f"{fence}{pad}{said}{pad}{fence}"
