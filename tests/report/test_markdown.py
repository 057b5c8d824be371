"""Results as Markdown, rendered as GitHub would and compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from reprotest.report import markdown
from reprotest.report.json import document
from reprotest.report.trees import tree_of
from reprotest.result import RunReport


def test_file(samples: dict[str, RunReport], project: Path, golden: Callable[[str, str], None]) -> None:
    golden("proven.md", markdown.text(tree_of(document(samples["proven"]))))


def test_several_experiments(samples: dict[str, RunReport], project: Path, golden: Callable[[str, str], None]) -> None:
    parts = {name: document(samples[name]) for name in ("identical", "error")}
    golden("experiments.md", markdown.text(tree_of({"schema": "reprotest.experiments/1", "experiments": parts})))


def test_hostile_text_stays_text(hostile: RunReport, project: Path) -> None:
    text = markdown.text(tree_of(document(hostile)))
    outside = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    outside = re.sub(r"(?<![`\\])(`+)(?!`).+?(?<!`)\1(?!`)", "", outside)
    allowed = {"<details>", "</details>", "<summary>", "</summary>", "<sub>", "</sub>", "<br>"}
    assert set(re.findall(r"(?<!\\)<[^ >]*>?", outside)) <= allowed
    assert not re.search(r"(?<!\\)\[l(?<!\\)\]\(", outside)
    for table in re.findall(r"(?:^\|.*\n)+", outside, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(widths) == 1, table


def test_no_secret(samples: dict[str, RunReport], project: Path) -> None:
    text = "".join(markdown.text(tree_of(document(report))) for report in samples.values())
    assert "geheim1234" not in text
    assert "sk-abcdefghijklmnopqrstuvwxyz" not in text
