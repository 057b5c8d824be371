"""The paragraph that says it all: verdict, first difference, cause. Every presenter sets the same words in its own way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from reprotest.report import words
from reprotest.result import Cause, RunReport, Verdict


class Span(NamedTuple):
    """A piece of a sentence.

    Attributes:
        text: what it says.
        mark: "" plain, "strong" a name or a place, "guilty" a cause.
    """

    text: str
    mark: str = ""


def paragraph(report: RunReport) -> Iterator[Span]:
    """What a presentable result comes to, in a few sentences, without the headline."""
    name = words.program(report.command)
    if report.interrupted:
        yield Span(f"Stopped by you after {words.count(len(report.exit_codes), 'finished run')} of ")
        yield Span(name, "strong")
        yield Span(". ")
    if report.verdict is Verdict.ERROR:
        if not report.interrupted:
            yield Span(name, "strong")
            yield Span(f" {_failed(report)} There is nothing to compare until it runs through.")
    elif report.verdict is Verdict.IDENTICAL:
        if not report.interrupted or len(report.exit_codes) > 1:
            yield Span(f"{words.compared(report.runs, report.steps, name)} agree bit for bit.")
    else:
        yield from _difference(report, name)


def _failed(report: RunReport) -> str:
    codes = [code for code in report.exit_codes if code != 0]
    if codes and codes[0] > 0:
        return f"ended with exit code {codes[0]} by itself."
    return "did not run through."


def _difference(report: RunReport, name: str) -> Iterator[Span]:
    yield Span(f"{words.count(report.runs, 'run')} of ")
    yield Span(name, "strong")
    yield Span(" differ. ")
    first = report.first_difference
    if first is not None:
        yield Span("The first difference is at ")
        yield Span(words.place(first), "strong")
        size = words.size(first)
        yield Span(f": {size}. " if size else ". ")
        if first.note and first.note != size:
            yield Span(f"{words.sentence(first.note)} ")
    yield from _causes(report)


def _causes(report: RunReport) -> Iterator[Span]:
    if not report.causes:
        yield Span(_no_cause(report))
    elif len(report.causes) == 1:
        cause = report.causes[0]
        yield Span("The cause is " if cause.proven else "The likely cause is ")
        yield Span(cause.factor, "guilty")
        if cause.location:
            yield Span(" at ")
            yield Span(cause.location, "strong")
        yield Span(", proven by experiment." if cause.proven else ", not proven.")
    else:
        proven = all(cause.proven for cause in report.causes)
        yield Span(f"It has {len(report.causes)} causes{', each proven by experiment' if proven else ''}: ")
        named = [words.cause(cause) if not proven else _named(cause) for cause in report.causes]
        yield Span(words.listing(named), "strong")
        yield Span(".")


def _named(cause: Cause) -> str:
    return f"{cause.factor} at {cause.location}" if cause.location else cause.factor


def _no_cause(report: RunReport) -> str:
    if report.interrupted:
        return "The search for the cause was not finished."
    if report.experiments:
        return (
            f"The cause was not found by {words.count(len(report.experiments), 'experiment')}; they are listed below."
        )
    return "The cause was not looked for."
