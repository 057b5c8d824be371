"""Results as JUnit XML, as CI systems show test results: a suite for each experiment, a test case for each check."""

from __future__ import annotations

import re
from xml.etree import ElementTree as xml

from reprotest.report.tree import Check, Status, Tree

_ILLEGAL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold (its section 2.2)."""
_ELEMENTS = {Status.FAILED: "failure", Status.ERROR: "error", Status.STOPPED: "error", Status.SKIPPED: "skipped"}


def text(tree: Tree) -> str:
    """The XML document."""
    suites = xml.Element("testsuites", name="reprotest")
    _count(suites, [check for leaf in tree.leaves() for check in leaf.checks], tree.seconds)
    for leaf in tree.leaves():
        suite = xml.SubElement(suites, "testsuite", name=_legal(f"reprotest.{leaf.verb}: {leaf.title}"))
        _count(suite, leaf.checks, leaf.seconds)
        suite.set("skipped", str(sum(check.status is Status.SKIPPED for check in leaf.checks)))
        for check in leaf.checks:
            _case(suite, leaf, check)
    xml.indent(suites)
    return xml.tostring(suites, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _count(element: xml.Element, checks: list[Check] | tuple[Check, ...], seconds: float) -> None:
    named = [_ELEMENTS.get(check.status) for check in checks]
    element.set("tests", str(len(checks)))
    element.set("failures", str(named.count("failure")))
    element.set("errors", str(named.count("error")))
    element.set("time", f"{max(seconds, 0.0):.3f}")


def _case(suite: xml.Element, tree: Tree, check: Check) -> None:
    case = xml.SubElement(
        suite,
        "testcase",
        classname=_legal(f"reprotest.{tree.verb}"),
        name=_legal(check.name),
        time=f"{max(check.seconds, 0.0):.3f}",
    )
    kind = _ELEMENTS.get(check.status)
    if kind is None:
        return
    outcome = xml.SubElement(case, kind, message=_legal(check.message))
    if kind != "skipped":
        outcome.set("type", f"reprotest.{check.status}")
        outcome.text = _legal(check.detail or check.message)


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
