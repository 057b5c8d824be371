"""The report in a terminal: one paragraph that says it all, the guilty lines, then the evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reprotest.report import compared, statistics, words
from reprotest.report.excerpt import Excerpt, clean, excerpt, tail
from reprotest.report.presentable import presentable
from reprotest.report.prose import paragraph
from reprotest.result import Cause, Difference, Experiment, Host, RunReport, Verdict, Watched
from reprotest.secrets import known_secrets, mask_text

PROSE = 100
"""Columns: wider prose is hard to read."""

_COLOURS = {Verdict.IDENTICAL: "green", Verdict.DIFFERENT: "red", Verdict.ERROR: "yellow"}
_SPANS = {"": "", "strong": "bold", "guilty": "bold red"}
_OUTCOMES = {"identical": "green", "different": "red", "inconclusive": "yellow", "failed": "yellow"}


@dataclass(frozen=True)
class Glyphs:
    """The marks of a report; plain ones where the terminal's encoding has no others."""

    good: str = "✓"
    bad: str = "✗"
    warn: str = "!"
    arrow: str = "❱"
    bar: str = "│"
    bullet: str = "•"
    table: box.Box = box.SIMPLE_HEAD


ASCII = Glyphs(good="OK:", bad="X", warn="!", arrow=">", bar="|", bullet="-", table=box.ASCII2)
_PLAIN = str.maketrans("\u2013\u2014\u2026\u2019\u201c\u201d\u2192\u2264\u00d7", '--~\'""><x')
"""One character for one, so that columns stay in line."""


def glyphs(console: Console) -> Glyphs:
    """What this console can show."""
    return Glyphs() if console.encoding.lower().startswith("utf") else ASCII


def show(report: RunReport, console: Console, *, root: str | Path = ".", title: str | None = None) -> None:
    """Print the report.

    Args:
        report: what to present.
        console: where to; its width, colours and encoding are respected.
        root: the folder to which locations and records are relative.
        title: the experiment's name, where there are several.
    """
    marks = glyphs(console)
    secrets = known_secrets(command=report.command)
    report = presentable(report)
    plainly(console, lambda: _print(report, console, root, title, marks, secrets))


def plainly(console: Console, write: Callable[[], None]) -> None:
    """Write to a console; without trailing blanks where that is no terminal, and in ASCII where it knows no other letters."""
    marks = glyphs(console)
    if console.is_terminal and marks is not ASCII:
        write()
        return
    with console.capture() as capture:
        write()
    text = "\n".join(line.rstrip(" ") for line in capture.get().split("\n"))
    if marks is ASCII:
        text = text.translate(_PLAIN).encode("ascii", "replace").decode("ascii")
    console.file.write(text)


def _print(
    report: RunReport, console: Console, root: str | Path, title: str | None, marks: Glyphs, secrets: list[str]
) -> None:
    console.print()
    if title is not None:
        console.print(Text(title, style="bold underline"))
        console.print()
    for part in _parts(report, Path(root), marks, secrets):
        console.print(part)
        console.print()


def _parts(report: RunReport, root: Path, marks: Glyphs, secrets: list[str]) -> Iterator[RenderableType]:
    yield _prose(_paragraph(report, marks))
    if report.error or (report.verdict is Verdict.ERROR and not report.interrupted):
        yield from _failure(report, root, secrets)
    for number, cause in enumerate(report.causes, start=1):
        yield _cause(cause, number if len(report.causes) > 1 else None, root, marks)
    finer = [seen for seen in report.located if not _told(seen, report.first_difference)]
    if finer:
        yield _located(finer)
    if report.experiments:
        yield _experiments(report.experiments, marks)
    if report.environment is not None:
        yield _environment(report.environment)
    if report.hosts:
        yield _hosts(report.hosts, marks)
    if report.watched:
        yield _watched(report)
    if report.verdict is Verdict.IDENTICAL:
        yield _worth(report)
    if report.unobserved:
        yield _unobserved(report, marks)
    yield _foot(report)


# --- the paragraph --------------------------------------------------------------------------------------------------


def _paragraph(report: RunReport, marks: Glyphs) -> Text:
    mark, colour = _mark(report, marks)
    text = Text(f"{mark} {words.headline(report)}. ", style=f"bold {colour}")
    plain = Text(style="not bold default")
    for span in paragraph(report):
        plain.append(span.text, _SPANS[span.mark])
    return text.append_text(plain)


def _mark(report: RunReport, marks: Glyphs) -> tuple[str, str]:
    """A verdict's mark and its colour."""
    if report.interrupted:
        return marks.warn, "yellow"
    mark = {Verdict.IDENTICAL: marks.good, Verdict.DIFFERENT: marks.bad, Verdict.ERROR: marks.warn}[report.verdict]
    return mark, _COLOURS[report.verdict]


# --- evidence -------------------------------------------------------------------------------------------------------


def _failure(report: RunReport, root: Path, secrets: list[str]) -> Iterator[RenderableType]:
    if report.error:
        yield _indented(Text(report.error, style="yellow"))
    if report.records and report.verdict is Verdict.ERROR:
        lines = tail(root / report.records[-1] / "stderr.txt", secrets=secrets)
        fresh = [line for line in lines if line.strip() and line.strip() not in (report.error or "")]
        if fresh:
            yield Group(Text("The last lines of its standard error:"), _indented(Text("\n".join(lines), style="dim")))


def _cause(cause: Cause, number: int | None, root: Path, marks: Glyphs) -> RenderableType:
    head = Text(f"{number}. " if number else "")
    head.append("Cause: " if cause.proven else "Likely cause: ", "bold").append(cause.factor, "bold red")
    what = words.what(cause.factor)
    if what:
        head.append(f", {what.rstrip('.')}.")
    parts: list[RenderableType] = [_prose(head)]
    found = excerpt(cause.location, root)
    if found is not None:
        parts += ["", _source(found, marks), ""]
    elif cause.location:
        parts.append(_prose(Text.assemble("At ", (cause.location, "bold"))))
    proof = "Proof: " if cause.proven else "Not proven: "
    parts.append(_prose(Text.assemble((proof, "bold"), f"{cause.evidence.rstrip('.')}.")))
    parts.append(_prose(Text.assemble(("What to change: ", "bold green"), words.sentence(cause.fix))))
    return Group(*parts)


def _source(found: Excerpt, marks: Glyphs) -> RenderableType:
    from rich.syntax import Syntax

    lexer = Syntax.guess_lexer(found.path)
    code = "\n".join(found.lines)
    coloured = Syntax("", lexer, theme="ansi_dark", background_color="default").highlight(code).split("\n")
    width = len(str(found.first + len(found.lines) - 1))
    shown = Text(no_wrap=True, overflow="ellipsis")
    shown.append(f"    {found.path}\n", "cyan")
    for number, line in enumerate(coloured[: len(found.lines)], start=found.first):
        guilty = number == found.line
        shown.append(f"  {marks.arrow if guilty else ' '} ", "bold red")
        shown.append(f"{number:>{width}} {marks.bar} ", "bold red" if guilty else "dim")
        if guilty:
            line.stylize("bold")
        shown.append_text(line).append("\n")
    shown.rstrip()
    return shown


def _told(finer: Difference, first: Difference | None) -> bool:
    """Does the paragraph say already what this finer pass found?"""
    if first is None:
        return False
    same_place = (finer.step, finer.phase) == (first.step, first.phase)
    return same_place and (finer.op or first.op) == first.op


def _located(finer: Sequence[Difference]) -> RenderableType:
    lines: list[RenderableType] = [Text("Observed more finely, the first difference is at:", style="bold")]
    for difference in finer:
        size = words.size(difference)
        lines.append(_indented(Text(words.place(difference) + (f": {size}" if size else "")), PROSE))
    return Group(*lines)


def _experiments(experiments: list[Experiment], marks: Glyphs) -> RenderableType:
    table = Table(box=marks.table, pad_edge=False, show_edge=False, header_style="bold", expand=False)
    table.add_column("Experiment", ratio=None, overflow="fold")
    table.add_column("Outcome", overflow="fold")
    table.add_column("Runs", justify="right")
    table.add_column("Time", justify="right", no_wrap=True)
    for row in experiments:
        what = Text(row.what)
        if row.note:
            what.append(f"\n{row.note}", "dim")
        table.add_row(
            what,
            Text(words.outcome(row), style=_OUTCOMES.get(row.outcome, "")),
            str(row.runs),
            words.times(row.seconds),
        )
    return Padding(table, (0, 0, 0, 2))


def _environment(environment: Mapping[str, Any]) -> RenderableType:
    title = f"What differs between {environment['a']} and {environment['b']}, the likeliest cause first:"
    lines = [Text(clean(mask_text(line))) for line in compared.findings(environment["findings"])]
    return Group(Text(title, style="bold"), *(lines or [Text("  nothing that is recorded")]))


def _hosts(hosts: Sequence[Host], marks: Glyphs) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for host in hosts:
        where = f"{host.name} on {host.host}" if host.host and host.host != host.name else host.name
        done = host.status == "done"
        what = Text(words.times(host.seconds), "dim") if done else Text(f"{host.status}: {host.why}", "yellow")
        table.add_row(Text(f"  run {host.run}"), Text(where), what)
    return Group(Text("Where the runs were made:", style="bold"), table)


def _watched(report: RunReport) -> RenderableType:
    causes = {cause.factor for cause in report.causes}
    grouped: dict[tuple[str, bool | None], list[Watched]] = {}
    for item in report.watched:
        if item.factor not in causes:
            grouped.setdefault((item.factor, item.affects_result), []).append(item)
    if not grouped:
        return Text("Nothing else that could vary was used.")
    table = Table.grid(padding=(0, 2))
    for (factor, affects), uses in grouped.items():
        places = [use.location for use in uses if use.location]
        at = words.listing(places, 3) if places else "inside libraries"
        calls = words.count(sum(use.calls for use in uses), "call")
        table.add_row(
            Text(factor, style="bold"), Text(words.whether_it_matters(affects)), Text(f"{at} ({calls})", style="dim")
        )
    return Group(Text("Also used:", style="bold"), _indented(table))


def _worth(report: RunReport) -> RenderableType:
    text = Text("What this is worth: ", style="bold")
    text.append(statistics.sentence(report.runs), "not bold")
    lines: list[RenderableType] = [_prose(text)]
    if report.not_varied:
        lines.append(
            _prose(
                Text.assemble(
                    ("Not varied, so nothing is said about: ", "bold"), words.listing(report.not_varied, 40), "."
                )
            )
        )
    return Group(*lines)


def _unobserved(report: RunReport, marks: Glyphs) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    for said in report.unobserved:
        table.add_row(Text(f"  {marks.bullet}"), Text(words.sentence(said)))
    return Group(Text("Not observed:", style="bold"), _Narrow(table))


def _foot(report: RunReport) -> RenderableType:
    lines: list[RenderableType] = []
    if report.masked:
        lines.append(_prose(Text(f"Masked before the output was compared: {words.listing(report.masked)}.")))
    seen = [f"{phase} {n}" for phase, n in report.observed.items() if n and phase != "state"]
    if seen:
        lines.append(_prose(Text(f"Compared in each run: {', '.join(seen)}.", style="dim")))
    where = f" Records: {', '.join(words.relative(path) for path in report.records)}" if report.records else ""
    lines.append(_prose(Text(f"{words.times(report.seconds)} in all.{where}", style="dim")))
    return Group(*lines)


def _prose(text: Text) -> RenderableType:
    return _Narrow(text)


def _indented(what: RenderableType, width: int | None = None) -> RenderableType:
    return Padding(_Narrow(what) if width else what, (0, 0, 0, 2))


class _Narrow:
    """Keeps prose readable on a wide terminal."""

    def __init__(self, inner: RenderableType) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(self._inner, options.update(width=min(options.max_width, PROSE)))


def summary(reports: Mapping[str, RunReport], console: Console) -> None:
    """Print one line for each of several experiments."""
    marks = glyphs(console)
    table = Table.grid(padding=(0, 1))
    for name, report in reports.items():
        mark, colour = _mark(report, marks)
        table.add_row(Text(f"{mark} {name}", f"bold {colour}"), Text(words.one_line(presentable(report))))
    console.print(table)
