"""The tree of `vary` (schema reprotest.vary/1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reprotest.report import words
from reprotest.report.prose import Span
from reprotest.report.sensitivity import words as sensitivity
from reprotest.report.tree import NOTHING, Cell, Check, Notes, Status, Table, Tree
from reprotest.report.trees._parts import Masked, command_line, facts_of, place
from reprotest.result import difference_from_json
from reprotest.vary.result import Final

_VERDICTS = {
    "insensitive": (Status.PASSED, "Insensitive"),
    "sensitive": (Status.FAILED, "Sensitive"),
    "unstable": (Status.FAILED, "Unstable"),
    "error": (Status.ERROR, "The command failed"),
}


def tree(document: Mapping[str, Any], root: Path, title: str | None) -> Tree:
    """See `report.trees`."""
    status, headline = _VERDICTS[document["verdict"]]
    if document.get("interrupted"):
        status, headline = Status.STOPPED, "Interrupted"
    given = [str(word) for word in document.get("command") or ()]
    masked = Masked(given)
    sensitive = [item for item in document.get("sensitive_to") or () if isinstance(item, Mapping)]
    insensitive = [str(name) for name in document.get("insensitive_to") or ()]
    skipped = [item for item in document.get("skipped") or () if isinstance(item, Mapping)]
    first = difference_from_json(document.get("first_difference"))
    if first is None and sensitive:
        first = difference_from_json(sensitive[0].get("first_difference"))
    name = title or (words.program(given) if given else "vary")
    said = tuple(_said(str(document["verdict"]), name, sensitive, insensitive))
    error = masked(document.get("error") or "")
    text = "".join(span.text for span in said)
    checks = [
        *(_sensitive_check(item, masked) for item in sensitive),
        *(Check(factor, Status.PASSED, "does not change the result") for factor in insensitive),
        *(Check(masked(item["factor"]), Status.SKIPPED, masked(item.get("why") or "")) for item in skipped),
    ]
    if status in (Status.ERROR, Status.STOPPED) or document["verdict"] == "unstable" or not checks:
        checks.insert(0, Check(name, status, text, "\n".join(filter(None, (text, error)))))
    notes = [Notes("What it said", tuple(error.splitlines()))] if error else []
    fixes = dict.fromkeys(f"{item['factor']}: {_ended(masked(item['fix']))}" for item in sensitive if item.get("fix"))
    if fixes:
        notes.append(Notes("What to change", tuple(fixes)))
    untried = [_untried(item, masked) for item in document.get("untried") or ()]
    if untried:
        notes.append(Notes("Not tried", tuple(untried)))
    if document.get("unobserved"):
        notes.append(Notes("Not observed", tuple(words.sentence(masked(s)) for s in document["unobserved"])))
    return Tree(
        verb="vary",
        title=name,
        status=status,
        headline=headline,
        paragraph=said,
        command=command_line(given),
        facts=tuple(facts_of(first)) if sensitive else (),
        tables=(*_table(sensitive, insensitive, skipped, masked), *_hosts(document.get("hosts") or (), masked)),
        notes=tuple(notes),
        checks=tuple(checks),
        seconds=float(document.get("seconds") or 0.0),
        records=tuple(str(path) for path in document.get("records") or ()),
        alike=document["verdict"] == "unstable",
    )


def _said(verdict: str, name: str, sensitive: list[Mapping[str, Any]], insensitive: list[str]) -> Iterator[Span]:
    yield Span(name, "strong")
    if verdict == "error":
        yield Span(" did not run through, so nothing was varied.")
        return
    if verdict == "unstable":
        yield Span(
            " differs even with everything held fixed, so no single change can be told: find the cause with run."
        )
        return
    if not sensitive:
        yield Span(f" gives the same bits whichever of {words.count(len(insensitive), 'factor')} is changed.")
        return
    guilty = list(dict.fromkeys(str(item["factor"]) for item in sensitive))
    yield Span(f" changes with {words.count(len(guilty), 'factor')}: ")
    yield Span(words.listing(guilty), "guilty")
    yield Span(f". {words.count(len(insensitive), 'other does', 'others do')} not change it.")


def _change(item: Mapping[str, Any]) -> str:
    beside = "".join(f", with {other.get('factor')}: {other.get('to')}" for other in item.get("beside") or ())
    return f"{item.get('to')}{beside}"


def _end(item: Mapping[str, Any]) -> str:
    """How far apart the runs end, in the words of the terminal; empty when that is not known."""
    final = item.get("final") or {}
    said = sensitivity.end(Final(*(final.get(key) for key in ("max_abs", "max_rel", "ulp", "distance"))))
    return "" if said == "-" else said


def _untried(item: Mapping[str, Any], masked: Masked) -> str:
    to = f" {masked(item['to'])}" if item.get("to") else ""
    return f"{masked(item['factor'])}{to}: {_ended(masked(item.get('why') or 'not tried'))}"


def _ended(clause: str) -> str:
    """With a full stop, but begun as it stands: a factor's name comes before it."""
    return clause if clause.endswith((".", "!", "?")) else f"{clause}."


def _sensitive_check(item: Mapping[str, Any], masked: Masked) -> Check:
    first = difference_from_json(item.get("first_difference"))
    change = f"{item['factor']} from {item.get('from')} to {_change(item)} changes the result"
    lines = [change]
    if first is not None:
        lines.append(f"first difference: {place(first)}" + (f": {size}" if (size := words.size(first)) else ""))
    final = _end(item)
    if final:
        lines.append(f"in the end: {final}")
    return Check(masked(item["factor"]), Status.FAILED, masked(change), masked("\n".join(lines)))


def _hosts(workers: Sequence[Mapping[str, Any]], masked: Masked) -> Iterator[Table]:
    rows = tuple(
        (
            Cell(masked(worker["name"]), code=True),
            Cell(masked(worker["host"]) or NOTHING),
            Cell(
                worker["status"],
                Status.PASSED if worker["status"] == "used" else Status.SKIPPED,
                masked(worker["why"] or "") or None,
            ),
            Cell(str(worker["runs"])),
        )
        for worker in workers
    )
    if rows:
        yield Table("hosts", "Where the variations were run", ("Worker", "Host", "Part", "Runs"), rows, frozenset({3}))


def _table(
    sensitive: list[Mapping[str, Any]], insensitive: list[str], skipped: list[Mapping[str, Any]], masked: Masked
) -> Iterator[Table]:
    rows: list[tuple[Cell, ...]] = []
    for item in sensitive:
        first = difference_from_json(item.get("first_difference"))
        rows.append(
            (
                Cell(masked(item["factor"]), code=True),
                Cell(f"{masked(item.get('from'))} → {masked(_change(item))}"),
                Cell("changes the result", Status.FAILED),
                Cell(masked(place(first)) or NOTHING, note=(words.size(first) or None) if first else None),
                Cell(_end(item) or NOTHING),
            )
        )
    for factor in insensitive:
        rows.append(
            (Cell(factor, code=True), Cell(NOTHING), Cell("no change", Status.PASSED), Cell(NOTHING), Cell(NOTHING))
        )
    for item in skipped:
        why = masked(item.get("why") or "")
        rows.append(
            (
                Cell(masked(item["factor"]), code=True),
                Cell(NOTHING),
                Cell("skipped", Status.SKIPPED, why),
                Cell(NOTHING),
                Cell(NOTHING),
            )
        )
    if rows:
        yield Table(
            "sensitivity",
            "Sensitivity",
            ("Factor", "Change", "Result", "First difference", "In the end"),
            tuple(rows),
            about="Everything is held fixed and one factor at a time is changed.",
        )
