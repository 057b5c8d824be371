"""The sensitivity table in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reprotest.report import words
from reprotest.report.sensitivity import words as said
from reprotest.report.terminal import PROSE, Glyphs, glyphs, plainly
from reprotest.vary.result import Course, Sensitivity, VaryReport, Verdict, Worker

_WIDE = 120
"""Columns from which on the table is one."""
_MARKS = {
    Verdict.INSENSITIVE: ("good", "green"),
    Verdict.SENSITIVE: ("bad", "red"),
    Verdict.UNSTABLE: ("bad", "red"),
    Verdict.ERROR: ("warn", "yellow"),
}


def show(report: VaryReport, console: Console) -> None:
    """Print the report, which must be presentable."""
    plainly(console, lambda: _print(report, console, glyphs(console)))


def _print(report: VaryReport, console: Console, marks: Glyphs) -> None:
    console.print()
    for part in _parts(report, marks, console.width):
        console.print(part)
        console.print()


def _parts(report: VaryReport, marks: Glyphs, width: int) -> Iterator[RenderableType]:
    kind, colour = _MARKS[report.verdict]
    if report.interrupted:
        kind, colour = "warn", "yellow"
    text = Text(f"{getattr(marks, kind)} {said.headline(report)}. ", style=f"bold {colour}")
    yield prose(text.append(said.sentence(report), "not bold default"))
    if report.error and "\n" in report.error:
        yield Padding(Text(report.error.partition("\n")[2]), (0, 0, 0, 2))
    if report.sensitive_to:
        yield _table(report.sensitive_to, marks) if width >= _WIDE else _list(report.sensitive_to)
        yield _fixes(report.sensitive_to, marks)
    if report.insensitive_to:
        yield prose(Text.assemble(("Changes nothing: ", "bold"), words.listing(report.insensitive_to, 40), "."))
    if report.skipped or report.untried:
        yield _skipped(report, marks)
    if report.unobserved:
        yield prose(Text.assemble(("Not observed: ", "bold"), " ".join(map(words.sentence, report.unobserved))))
    if report.hosts:
        yield _hosts(report.hosts)
    yield prose(Text(_foot(report), style="dim"))


def prose(text: Text) -> RenderableType:
    """A paragraph, not wider than can be read."""
    return Constrain(text, PROSE)


def _table(items: list[Sensitivity], marks: Glyphs) -> RenderableType:
    table = Table(box=marks.table, padding=(0, 1), show_edge=False)
    for number, name in enumerate(said.COLUMNS):
        table.add_column(name, overflow="fold", no_wrap=number == 0)
    for item in items:
        factor, *rest, end = said.row(item)
        colour = "red" if item.final.course is Course.ELSEWHERE else ""
        table.add_row(Text(factor, "bold"), *map(Text, rest), Text(end, colour))
    return table


def _list(items: list[Sensitivity]) -> RenderableType:
    """The same for a terminal in which the table's columns would be narrower than the words in them."""
    lines: list[RenderableType] = []
    for item in items:
        factor, change, where, size, end = said.row(item)
        lines.append(Padding(Text.assemble((factor, "bold"), f"  {change}"), (1 if lines else 0, 0, 0, 2)))
        how = "" if size == "-" else f", by {size}" if size[:1].isdigit() else f": {size}"
        lines.append(Padding(Text(where + how), (0, 0, 0, 6)))
        if end != "-":
            colour = "red" if item.final.course is Course.ELSEWHERE else ""
            lines.append(Padding(Text.assemble("at the end, ", (end, colour)), (0, 0, 0, 6)))
    return Group(*lines)


def _fixes(items: list[Sensitivity], marks: Glyphs) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    for factor, fix in dict.fromkeys((item.factor, item.fix) for item in items):
        table.add_row(Text(f"  {marks.bullet}"), Text(factor, "bold"), Text(fix, overflow="fold"))
    return table


def _skipped(report: VaryReport, marks: Glyphs) -> RenderableType:
    by_reason: dict[str, list[str]] = {}
    for item in (*report.skipped, *report.untried):
        by_reason.setdefault(item.why, []).append(f"{item.factor} {item.to}" if item.to else item.factor)
    table = Table.grid(padding=(0, 1))
    for why, names in by_reason.items():
        table.add_row(Text(f"  {marks.bullet}"), Text.assemble((words.listing(names, 40), "bold"), f": {why}"))
    outer = Table.grid()
    outer.add_row(Text("Not varied:", style="bold"))
    outer.add_row(table)
    return outer


def _hosts(workers: list[Worker]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for worker in workers:
        where = f"{worker.name} on {worker.host}" if worker.host and worker.host != worker.name else worker.name
        used = worker.status == "used"
        what = (
            Text(words.count(worker.runs, "run"), "dim") if used else Text(f"{worker.status}: {worker.why}", "yellow")
        )
        table.add_row(Text(f"  {where}"), what)
    outer = Table.grid()
    outer.add_row(Text("Where the variations were run:", style="bold"))
    outer.add_row(table)
    return outer


def _foot(report: VaryReport) -> str:
    runs = words.count(len(report.trials), "variation")
    parts = [f"{runs} in {words.times(report.seconds)}"]
    if report.resumed:
        parts.append(f"{report.resumed} of them known from an interrupted call")
    if report.steps:
        parts.append(f"{words.count(report.steps, 'step')} each")
    text = ", ".join(parts) + "."
    if not report.complete:
        text += " Not finished: the same call goes on from here."
    return text + (f" Reference: {', '.join(report.records)}" if report.records else "")
