"""Documents of every verb become trees; what is no document is refused in a sentence."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from reprotest.errors import RecordError
from reprotest.report.json import document
from reprotest.report.tree import Status
from reprotest.report.trees import tree_of
from reprotest.result import RunReport

FIRST = {"step": 3, "phase": "backward", "name": "fc.weight", "op": None, "location": "train.py:9", "ulp": 1}
VARY: dict[str, Any] = {
    "schema": "reprotest.vary/1",
    "verdict": "sensitive",
    "command": ["train.py"],
    "sensitive_to": [
        {"factor": "threads.count", "from": "2", "to": "1", "first_difference": FIRST, "final": {"max_rel": 0.3}}
    ],
    "insensitive_to": ["locale", "timezone"],
    "skipped": [{"factor": "cuda.random", "why": "no GPU"}],
}
RESUME: dict[str, Any] = {
    "schema": "reprotest.resume/1",
    "verdict": "different",
    "first_difference": FIRST,
    "causes": [
        {
            "factor": "checkpoint.state",
            "detail": "optimizer",
            "proven": True,
            "evidence": "restored: identical",
            "fix": "save optimizer.state_dict()",
        }
    ],
}


@pytest.mark.parametrize("kind", ["proven", "identical", "error", "race", "interrupted", "output_only", "died"])
def test_a_result_survives_its_document(kind: str, samples: dict[str, RunReport], project: Path) -> None:
    made = document(samples[kind])
    again = RunReport.from_json(made)
    assert document(again) == made
    assert {f.name for f in fields(RunReport)} == set(made) - {"schema"}


@pytest.mark.parametrize(
    ("kind", "status"),
    [("proven", "failed"), ("identical", "passed"), ("error", "error"), ("interrupted", "stopped")],
)
def test_run(kind: str, status: str, samples: dict[str, RunReport], project: Path) -> None:
    tree = tree_of(document(samples[kind]))
    assert (tree.verb, tree.status, tree.checks[0].status) == ("run", status, status)


def test_run_tells_cause_line_and_experiments(samples: dict[str, RunReport], project: Path) -> None:
    tree = tree_of(document(samples["proven"]))
    (reason,) = tree.reasons
    assert reason.excerpt is not None
    assert (
        reason.excerpt.lines[reason.excerpt.line - reason.excerpt.first].strip() == "order = np.random.permutation(n)"
    )
    assert [table.id for table in tree.tables] == ["located", "experiments", "watched"]
    assert "> 9 | order = np.random.permutation(n)" in tree.checks[0].detail
    assert "The cause is numpy.random at train.py:9, proven by experiment." in tree.said


def test_vary() -> None:
    tree = tree_of(VARY)
    assert (tree.status, tree.headline) == (Status.FAILED, "Sensitive")
    assert [(check.name, check.status) for check in tree.checks] == [
        ("threads.count", "failed"),
        ("locale", "passed"),
        ("timezone", "passed"),
        ("cuda.random", "skipped"),
    ]
    (table,) = tree.tables
    assert [row[0].text for row in table.rows] == ["threads.count", "locale", "timezone", "cuda.random"]
    assert table.rows[0][1].text == "2 → 1"
    assert tree_of({**VARY, "verdict": "insensitive", "sensitive_to": []}).status is Status.PASSED
    unstable = tree_of({**VARY, "verdict": "unstable", "sensitive_to": [], "insensitive_to": [], "skipped": []})
    assert unstable.checks[0].status is Status.FAILED


def test_resume() -> None:
    tree = tree_of(RESUME)
    assert (tree.status, tree.reasons[0].detail) == (Status.FAILED, "optimizer")
    assert "did not restore: optimizer (proven)" in tree.said
    assert tree_of({"schema": "reprotest.resume/1", "verdict": "identical"}).status is Status.PASSED


def test_several_experiments_are_as_good_as_the_worst(samples: dict[str, RunReport], project: Path) -> None:
    parts = {"a": document(samples["identical"]), "b": document(samples["proven"])}
    tree = tree_of({"schema": "reprotest.experiments/1", "experiments": parts})
    assert tree.status is Status.FAILED
    assert [leaf.title for leaf in tree.leaves()] == ["a", "b"]
    assert tree.said == "1 of 2 experiments passed; not b."


def test_a_schema_without_a_file_of_its_own_is_shown_plainly() -> None:
    tree = tree_of({"schema": "reprotest.future/1", "verdict": "passed", "rows": [{"a": 1, "b": None}]})
    assert tree.status is Status.PASSED
    assert tree.tables[0].columns == ("a", "b")


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"schema": 3},
        {"schema": "pytest.run/1"},
        {"schema": "reprotest.run/2"},
        {"schema": "reprotest.run/1"},
        {"schema": "reprotest.run/1", "verdict": "fine", "command": []},
        {"schema": "reprotest.run/1", "verdict": "identical", "command": 3},
        {"schema": "reprotest.run/1", "verdict": "different", "command": [], "causes": ["x"]},
        {"schema": "reprotest.vary/1", "verdict": "sensitive", "sensitive_to": [{}]},
        {"schema": "reprotest.experiments/1", "experiments": []},
        {"schema": "reprotest.resume/1"},
    ],
)
def test_what_is_no_result_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(RecordError, match="result"):
        tree_of(bad)


def test_verify() -> None:
    value = {
        "name": "loss",
        "expected": 1.0,
        "found": 1.5,
        "tolerance": "relative:0.01",
        "distance": 0.5,
        "holds": False,
    }
    suspect = {"factor": "packages", "before": "torch 2.12", "now": "torch 2.13", "known": True}
    other = {"verdict": "different", "said": "other results", "values": [value], "suspects": [suspect], "seconds": 2.0}
    made = {"schema": "reprotest.verify/1", "verdict": "failed", "readme": None}
    both = tree_of({**made, "experiments": {"a": {"verdict": "identical", "said": "as locked"}, "b": other}})
    assert (both.status, both.headline) == (Status.FAILED, "Not as locked")
    assert [(check.name, check.status) for check in both.checks] == [("a", "passed"), ("b", "failed")]
    assert [table.id for table in list(both.leaves())[1].tables] == ["suspects", "values"]
    assert "packages: torch 2.12 → torch 2.13" in both.checks[1].detail
    single = tree_of({**made, "experiments": {"a": {"verdict": "within_tolerance", "said": "close"}}})
    assert (single.title, single.status) == ("a", Status.PASSED)


def test_compare() -> None:
    finding = {"factor": "threads.count", "known": "matters", "evidence": "shown by vary", "changes": []}
    finding |= {"a": "2", "b": "1"}
    made = {"schema": "reprotest.compare/1", "verdict": "different", "kind": "records", "a": "here", "b": "there"}
    tree = tree_of({**made, "first_difference": FIRST, "environment": [finding], "notes": ["one is not sealed"]})
    assert tree.status is Status.FAILED
    assert tree.said.endswith("What else differs, the likeliest cause first: threads.count.")
    (table,) = tree.tables
    assert [cell.text for cell in table.rows[0]] == ["threads.count", "changes this result", "", "2", "1"]
