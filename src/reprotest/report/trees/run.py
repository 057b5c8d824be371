"""The tree of `run` (schema reprotest.run/1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reprotest.report import statistics, words
from reprotest.report.presentable import presentable
from reprotest.report.prose import paragraph
from reprotest.report.tree import Cell, Check, Notes, Status, Table, Tree
from reprotest.report.trees._parts import Masked, command_line, environment, experiments, facts_of, hosts, reason, told
from reprotest.result import RunReport, Verdict

_STATUS = {Verdict.IDENTICAL: Status.PASSED, Verdict.DIFFERENT: Status.FAILED, Verdict.ERROR: Status.ERROR}


def tree(document: Mapping[str, Any], root: Path, title: str | None) -> Tree:
    """See `report.trees`."""
    report = presentable(RunReport.from_json(document))
    status = Status.STOPPED if report.interrupted else _STATUS[report.verdict]
    reasons = tuple(reason(cause, root) for cause in report.causes)
    said = tuple(paragraph(report))
    name = title or words.program(report.command)
    notes = tuple(_notes(report))
    detail = "\n".join(part for part in ("".join(s.text for s in said), told(reasons), report.error or "") if part)
    return Tree(
        verb="run",
        title=name,
        status=status,
        headline=words.headline(report),
        paragraph=said,
        command=command_line(report.command),
        facts=tuple(facts_of(report.first_difference)),
        reasons=reasons,
        tables=(
            *_located(report),
            *experiments(report.experiments),
            *hosts(report.hosts),
            *_environment(report),
            *_watched(report),
        ),
        notes=notes,
        checks=(Check(name, status, words.one_line(report), detail, report.seconds),),
        seconds=report.seconds,
        records=tuple(report.records),
    )


def _located(report: RunReport) -> Iterator[Table]:
    if report.located:
        rows = tuple(
            (Cell(words.place(found), code=True), Cell(words.size(found) or "size not known"))
            for found in report.located
        )
        yield Table(
            "located",
            "Observed more finely",
            ("First difference", "Size"),
            rows,
            about="Runs repeated with every module, then every operator, observed round the first difference.",
        )


def _environment(report: RunReport) -> Iterator[Table]:
    if report.environment is not None:
        masked = Masked(report.command)
        labels = (masked(report.environment["a"]), masked(report.environment["b"]))
        yield from environment(report.environment["findings"], labels, masked)


def _watched(report: RunReport) -> Iterator[Table]:
    causes = {cause.factor for cause in report.causes}
    rows = [
        (
            Cell(item.factor, code=True),
            Cell(words.whether_it_matters(item.affects_result), _AFFECTS.get(item.affects_result)),
            Cell(item.location or "inside libraries", code=item.location is not None),
            Cell(words.grouped(item.calls)),
        )
        for item in report.watched
        if item.factor not in causes
    ]
    if rows:
        yield Table(
            "watched",
            "Also used",
            ("Factor", "Does it matter?", "Where", "Calls"),
            tuple(rows),
            frozenset({3}),
            "What the program uses that could vary, beside the causes.",
        )


_AFFECTS: dict[bool | None, Status] = {False: Status.PASSED, True: Status.FAILED}


def _notes(report: RunReport) -> Iterator[Notes]:
    if report.error:
        yield Notes("What it said", tuple(report.error.splitlines()))
    if report.verdict is Verdict.IDENTICAL:
        worth = [statistics.sentence(report.runs)]
        if report.not_varied:
            worth.append(f"Not varied, so nothing is said about: {words.listing(report.not_varied, 40)}.")
        yield Notes("What this is worth", tuple(worth))
    if report.unobserved:
        yield Notes("Not observed", tuple(words.sentence(said) for said in report.unobserved))
    if report.masked:
        yield Notes("Masked before the output was compared", (words.sentence(words.listing(report.masked)),))
    seen = [f"{phase} {n}" for phase, n in report.observed.items() if n and phase != "state"]
    if seen:
        yield Notes("Compared in each run", (f"{', '.join(seen)}.",))
