"""Results as CI systems read them. The structure is that of Jenkins' junit-10.xsd, which GitLab and others follow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from reprotest.report import junit
from reprotest.report.json import document
from reprotest.report.tree import Check, Status, Tree
from reprotest.report.trees import tree_of
from reprotest.result import RunReport


def parsed(tree: Tree) -> ElementTree.Element:
    return ElementTree.fromstring(junit.text(tree))


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("proven", "failure"), ("identical", None), ("error", "error"), ("interrupted", "error"), ("died", "failure")],
)
def test_verdicts(kind: str, outcome: str | None, samples: dict[str, RunReport], project: Path) -> None:
    root = parsed(tree_of(document(samples[kind]), title="digits"))
    (case,) = root.iter("testcase")
    assert (case.get("classname"), case.get("name")) == ("reprotest.run", "digits")
    assert [child.tag for child in case] == ([outcome] if outcome else [])
    for element in (root, root[0]):
        assert element.get("tests") == "1"
        assert element.get("failures") == str(int(outcome == "failure"))
        assert element.get("errors") == str(int(outcome == "error"))


def test_file(samples: dict[str, RunReport], project: Path, golden: Callable[[str, str], None]) -> None:
    golden("proven.xml", junit.text(tree_of(document(samples["proven"]))))


def test_every_experiment_is_a_suite(samples: dict[str, RunReport], project: Path) -> None:
    parts = {name: document(samples[name]) for name in ("identical", "proven", "error")}
    root = parsed(tree_of({"schema": "reprotest.experiments/1", "experiments": parts}))
    assert [suite.get("name") for suite in root] == [f"reprotest.run: {name}" for name in parts]
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "1", "1")


def test_skipped_checks() -> None:
    checks = (Check("a", Status.SKIPPED, "no GPU"), Check("b", Status.PASSED))
    root = parsed(Tree("vary", "x", Status.PASSED, "Insensitive", (), checks=checks))
    assert root[0].get("skipped") == "1"
    (skipped,) = root.iter("skipped")
    assert skipped.get("message") == "no GPU"


def test_hostile_and_illegal_text_stays_text(hostile: RunReport, project: Path) -> None:
    made: dict[str, Any] = document(hostile)
    root = parsed(tree_of(made))
    assert {element.tag for element in root.iter()} == {"testsuites", "testsuite", "testcase", "failure"}
    strange = Check("\x00\x0b\ud800\ufffe", Status.FAILED, "\x1b[31m", "]]>")
    (case,) = parsed(Tree("run", "\x08", Status.FAILED, "", (), checks=(strange,))).iter("testcase")
    assert case.get("name") == "\N{REPLACEMENT CHARACTER}" * 4
    assert case[0].text == "]]>"


def test_no_secret(samples: dict[str, RunReport], project: Path) -> None:
    assert "geheim1234" not in "".join(junit.text(tree_of(document(report))) for report in samples.values())
