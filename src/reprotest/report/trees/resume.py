"""The tree of `resume` (schema reprotest.resume/1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reprotest.report import words
from reprotest.report.prose import Span
from reprotest.report.tree import Check, Notes, Reason, Status, Tree
from reprotest.report.trees._parts import Masked, command_line, experiments, facts_of, reason, told
from reprotest.result import Difference, RunReport, cause_from_json, difference_from_json

_VERDICTS = {
    "identical": (Status.PASSED, "Resuming changes nothing"),
    "different": (Status.FAILED, "Resuming changes the result"),
    "error": (Status.ERROR, "A command failed"),
}


def tree(document: Mapping[str, Any], root: Path, title: str | None) -> Tree:
    """See `report.trees`."""
    status, headline = _VERDICTS[document["verdict"]]
    if document.get("interrupted"):
        status, headline = Status.STOPPED, "Interrupted"
    masked = Masked()
    first = difference_from_json(document.get("first_difference"))
    reasons = tuple(
        reason(cause_from_json(item), root, masked(item.get("detail") or "")) for item in document.get("causes") or ()
    )
    said = tuple(_said(status, first, reasons))
    command = _commands(document)
    name = title or "train, stop, resume"
    text = "".join(span.text for span in said)
    error = masked(document.get("error") or "")
    notes = [Notes("What it said", tuple(error.splitlines()))] if error else []
    if document.get("held"):
        notes.append(
            Notes("Held in all runs", (words.sentence(words.listing([str(f) for f in document["held"]], 40)),))
        )
    if document.get("unobserved"):
        notes.append(Notes("Not observed", tuple(words.sentence(masked(s)) for s in document["unobserved"])))
    made = RunReport.from_json({"command": [], "runs": 0, "steps": 0, "seconds": 0.0, **document, "causes": []})
    detail = "\n".join(part for part in (text, told(reasons), error) if part)
    return Tree(
        verb="resume",
        title=name,
        status=status,
        headline=headline,
        paragraph=said,
        command=command,
        facts=tuple(facts_of(first)),
        reasons=reasons,
        tables=tuple(experiments(made.experiments)),
        notes=tuple(notes),
        checks=(Check(name, status, text, detail, made.seconds),),
        seconds=made.seconds,
        records=tuple(str(path) for path in document.get("records") or ()),
        alike=False,
    )


def _commands(document: Mapping[str, Any]) -> str:
    """The three commands, where the document names them, a line each."""
    given = document.get("commands")
    if isinstance(given, Mapping):
        return "\n".join(
            f"{part}: {command_line(words_) if isinstance(words_, list) else Masked()(words_)}"
            for part, words_ in given.items()
        )
    single = document.get("command")
    return command_line(single) if isinstance(single, list) else ""


def _said(status: Status, first: Difference | None, reasons: tuple[Reason, ...]) -> Iterator[Span]:
    if status is Status.PASSED:
        yield Span("Training that was stopped and resumed ends with the same bits as training straight through.")
        return
    if status is Status.ERROR:
        yield Span("One of the commands failed by itself, so there is nothing to compare until it runs through.")
        return
    yield Span("Training that was stopped and resumed differs from training straight through. ")
    if first is not None:
        yield Span("The first difference is at ")
        yield Span(words.place(first), "strong")
        size = words.size(first)
        yield Span(f": {size}. " if size else ". ")
    if not reasons:
        yield Span("The cause was not found.")
        return
    named = [f"{item.detail or item.factor} ({'proven' if item.proven else 'not proven'})" for item in reasons]
    yield Span("The checkpoint lost or did not restore: " if any(r.detail for r in reasons) else "The cause: ")
    yield Span(words.listing(named), "guilty")
    yield Span(".")
