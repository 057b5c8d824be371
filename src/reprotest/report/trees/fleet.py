"""The tree of `fleet` (schema reprotest.fleet/1): a check for each host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reprotest.report import words
from reprotest.report.prose import Span
from reprotest.report.tree import NOTHING, Cell, Check, Notes, Status, Table, Tree
from reprotest.report.trees._parts import Masked, command_line, environment, facts_of
from reprotest.result import difference_from_json

_VERDICTS = {
    "identical": (Status.PASSED, "The same on all hosts"),
    "different": (Status.FAILED, "Not the same on all hosts"),
    "incomplete": (Status.ERROR, "Not all hosts answered"),
    "error": (Status.ERROR, "No host gave a result"),
}


def tree(document: Mapping[str, Any], root: Path, title: str | None) -> Tree:
    """See `report.trees`."""
    given = [str(word) for word in document["command"]]
    masked = Masked(given)
    status, headline = _VERDICTS[document["verdict"]]
    hosts: list[Mapping[str, Any]] = list(document["hosts"])
    groups: list[Mapping[str, Any]] = list(document["groups"])
    others = [group["comparison"] for group in groups[1:] if group["comparison"]]
    answered = sum(host["status"] == "done" for host in hosts)
    said = f"{words.count(answered, 'host')} of {len(hosts)} gave {words.count(len(groups), 'result')}."
    first = difference_from_json(others[0]["first_difference"]) if others else None
    notes = tuple(words.sentence(masked(note)) for note in document["notes"])
    return Tree(
        verb="fleet",
        title=title or words.program(given),
        status=status,
        headline=headline,
        paragraph=(Span(said),),
        command=command_line(given),
        facts=tuple(facts_of(first)),
        tables=(_hosts(hosts, groups, masked), *_differences(others, masked)),
        notes=(Notes("Remarks", notes),) if notes else (),
        checks=tuple(_checks(hosts, masked)),
        seconds=float(document["seconds"]),
        alike=False,
    )


def _hosts(hosts: Sequence[Mapping[str, Any]], groups: Sequence[Mapping[str, Any]], masked: Masked) -> Table:
    rows = []
    for host in hosts:
        done = host["status"] == "done"
        number = host["group"]
        result = NOTHING if number is None else f"result {number + 1}, {str(groups[number]['digest'])[:12]}"
        state = Cell(str(host["status"]), Status.PASSED if done else Status.ERROR, masked(host["why"] or "") or None)
        seconds = words.times(float(host["seconds"])) if done else NOTHING
        rows.append(
            (Cell(masked(host["name"]), code=True), Cell(masked(host["host"])), state, Cell(result), Cell(seconds))
        )
    columns = ("Worker", "Host", "What became of it", "Result", "Time")
    return Table(
        "hosts", "Hosts", columns, tuple(rows), frozenset({4}), "Hosts with the same result agree bit for bit."
    )


def _differences(comparisons: Sequence[Mapping[str, Any]], masked: Masked) -> Iterator[Table]:
    for number, found in enumerate(comparisons, start=2):
        for table in environment(found["environment"], (masked(found["a"]), masked(found["b"])), masked):
            yield replace(table, id=f"{table.id}-{number}", title=f"What differs between results 1 and {number}")


def _checks(hosts: Sequence[Mapping[str, Any]], masked: Masked) -> Iterator[Check]:
    """Whether each host gives the result that most give."""
    for host in hosts:
        name, seconds = masked(host["name"]), float(host["seconds"])
        if host["status"] != "done":
            why = masked(host["why"] or "")
            yield Check(name, Status.ERROR, f"{host['status']}: {words.first_line(why)}", why, seconds)
        elif host["group"] == 0:
            yield Check(name, Status.PASSED, "the same result", seconds=seconds)
        else:
            yield Check(
                name,
                Status.FAILED,
                f"another result, number {host['group'] + 1}",
                seconds=seconds,
            )
