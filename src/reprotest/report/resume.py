"""The result of `resume` for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reprotest.report import words
from reprotest.report.excerpt import clean
from reprotest.report.json import finite
from reprotest.report.output import Output
from reprotest.report.presentable import cleaner
from reprotest.report.terminal import ASCII, PROSE, Glyphs, glyphs
from reprotest.result import Verdict
from reprotest.resume.details import detail
from reprotest.resume.report import FACTOR, ResumeReport
from reprotest.secrets import mask_command


def document(report: ResumeReport) -> dict[str, Any]:
    """The document of schema reprotest.resume/1: without secrets, and strictly JSON."""
    return finite(_harmless(report.to_json(), report))  # type: ignore[no-any-return]


def show(report: ResumeReport, output: Output) -> None:
    """Present the result as the verb's options say."""
    if output.quiet:
        if not output.piped:
            print(clean(one_line(report)))
        return
    console = output.console()
    marks = glyphs(console)
    with console.capture() as capture:
        for part in _parts(report, marks, console):
            console.print(part)
            console.print()
    text = "\n".join(line.rstrip() for line in capture.get().split("\n"))
    console.file.write(text if marks is not ASCII else text.encode("ascii", "replace").decode("ascii"))


def one_line(report: ResumeReport) -> str:
    """The whole result in one line."""
    if report.interrupted:
        return "interrupted"
    if report.verdict is Verdict.ERROR:
        return f"error: {words.first_line(report.error) or 'nothing could be compared'}"
    if report.verdict is Verdict.IDENTICAL:
        return f"identical: {words.count(report.compared, 'step')} after the resumption agree bit for bit"
    where = words.place(report.first_difference) if report.first_difference else "place unknown"
    if not report.causes:
        return f"different: {where}; what was lost is not known"
    lost = ", ".join(f"{cause.detail} ({'proven' if cause.proven else 'not proven'})" for cause in report.causes)
    return f"different: {where}; cause: {FACTOR}: {lost}"


def _harmless(value: Any, report: ResumeReport) -> Any:
    text = cleaner([word for words_ in report.commands.values() for word in words_])

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return text(value)
        if isinstance(value, dict):
            return {key: mask_commands(item) if key == "commands" else walk(item) for key, item in value.items()}
        return [walk(item) for item in value] if isinstance(value, list) else value

    def mask_commands(commands: dict[str, list[str]]) -> dict[str, list[str]]:
        return {part: mask_command(each) for part, each in commands.items()}

    return walk(value)


def _parts(report: ResumeReport, marks: Glyphs, console: Console) -> Iterator[RenderableType]:
    text = cleaner([word for each in report.commands.values() for word in each])
    width = min(console.width, PROSE)

    def prose(said: Text) -> RenderableType:
        return Padding(said, (0, max(0, console.width - width), 0, 0))

    yield ""
    yield prose(_paragraph(report, marks, text))
    if report.error:
        yield Padding(Text(text(report.error), style="yellow"), (0, 0, 0, 2))
    for cause in report.causes:
        known = detail(cause.detail)
        what = f"which the program keeps in {text(cause.variables)}" if cause.variables else known.what
        head = Text.assemble(
            ("Lost: " if cause.proven else "Probably lost: ", "bold"), (cause.detail, "bold red"), f", {what}."
        )
        proof = Text.assemble(("Proof: " if cause.proven else "Not proven: ", "bold"), f"{text(cause.evidence)}.")
        change = Text.assemble(("What to change: ", "bold green"), words.sentence(cause.fix))
        yield Group(prose(head), prose(proof), prose(change))
    if report.experiments:
        yield _experiments(report, marks)
    if report.unobserved:
        yield Group(
            Text("Not observed:", style="bold"),
            *(prose(Text(f"  {marks.bullet} {words.sentence(text(said))}")) for said in report.unobserved),
        )
    where = f" Records: {', '.join(words.relative(path) for path in report.records)}" if report.records else ""
    yield prose(Text(f"{words.times(report.seconds)} in all.{where}", style="dim"))


def _paragraph(report: ResumeReport, marks: Glyphs, text: Any) -> Text:
    plain = Text(style="not bold default")
    if report.interrupted:
        return Text(f"{marks.warn} Interrupted. ", style="bold yellow").append_text(plain.append("Stopped by you."))
    if report.verdict is Verdict.ERROR:
        return Text(f"{marks.warn} Nothing to compare.", style="bold yellow")
    place = f"The second command goes on from step {report.resumed_at} of {report.steps}. " if report.resumed_at else ""
    if report.verdict is Verdict.IDENTICAL:
        plain.append(place)
        plain.append(
            f"All {words.count(report.compared, 'step')} after the resumption agree bit for bit with training straight through."
        )
        head = Text(f"{marks.good} Resumes exactly. ", style="bold green")
    else:
        head = Text(f"{marks.bad} Does not resume exactly. ", style="bold red")
        plain.append(place)
        first = report.first_difference
        if first is not None:
            plain.append("The first difference is at ").append(text(words.place(first)), "bold")
            size = words.size(first)
            plain.append(f": {text(size)}. " if size else ". ")
            if first.note and first.note != size:
                plain.append(f"{words.sentence(text(first.note))} ")
        if report.causes:
            plain.append("What the checkpoint lacks: ")
            plain.append(words.listing([cause.detail for cause in report.causes]), "bold red")
            plain.append(", proven by experiment." if all(cause.proven for cause in report.causes) else ", not proven.")
        else:
            plain.append("What was lost could not be found out.")
    if report.held:
        plain.append(
            f" The program does not repeat by itself, so these factors were held in all runs: {words.listing(report.held)}."
        )
    return head.append_text(plain)


def _experiments(report: ResumeReport, marks: Glyphs) -> RenderableType:
    table = Table(box=marks.table, pad_edge=False, show_edge=False, header_style="bold")
    table.add_column("Experiment", overflow="fold")
    table.add_column("Outcome", overflow="fold")
    table.add_column("Time", justify="right", no_wrap=True)
    for row in report.experiments:
        what = Text(row.what)
        if row.note:
            what.append(f"\n{row.note}", "dim")
        table.add_row(what, words.outcome(row), words.times(row.seconds))
    return Padding(table, (0, 0, 0, 2))
