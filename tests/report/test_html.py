"""The page: one file, nothing from elsewhere, whatever the names are; small whatever the length of the run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprotest.compare.course import ABSENT, SEEN, Course
from reprotest.record.event import Phase
from reprotest.report import charts, html
from reprotest.report.html import page
from reprotest.report.json import document
from reprotest.report.trees import tree_of
from reprotest.result import RunReport

VOID = {"meta", "link", "br", "rect", "line", "path"}
MADE = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


class Page(HTMLParser):
    """The page's elements and its text; fails where tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, (tag, self.getpos())

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}


def made(report: RunReport, root: Path, **changes: Any) -> str:
    return page(tree_of({**document(report), **changes}, root), root, made=MADE)


@pytest.mark.parametrize("kind", ["proven", "two_causes", "identical", "error", "race", "interrupted_early", "died"])
def test_every_kind_is_well_formed_and_loads_nothing(kind: str, samples: dict[str, RunReport], project: Path) -> None:
    shown = Page(made(samples[kind], project))
    assert not shown.tags & {"script", "img", "iframe", "object", "embed", "video", "form", "base"}
    addresses = [value for _, attrs in shown.elements for name, value in attrs.items() if name in ("href", "src")]
    assert all(value == "data:," or (value or "").startswith("#") for value in addresses)
    ids = [attrs["id"] for _, attrs in shown.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {value[1:] for value in addresses if value and value.startswith("#")} <= set(ids)


def test_no_secret(samples: dict[str, RunReport], project: Path) -> None:
    text = "".join(made(report, project) for report in samples.values())
    assert "geheim1234" not in text
    assert "sk-abcdefghijklmnopqrstuvwxyz" not in text


def test_hostile_names_are_text(hostile: RunReport, project: Path, recorded: Callable[..., list[Path]]) -> None:
    """In the result and in the records: module names are drawn into SVG."""
    name = "<script>alert(1)</script>.\"'><img src=x onerror=alert(2)>"
    paths = recorded(modules=(name, "fc"))
    text = made(hostile, project, records=[str(path) for path in paths])
    shown = Page(text)
    assert "svg" in shown.tags
    assert not shown.tags & {"script", "img"}
    assert not any(attribute.startswith("on") for _, attrs in shown.elements for attribute in attrs)
    assert any("<script>alert(1)</script>" in said for said in shown.text)


def test_charts_are_drawn_from_the_records(
    samples: dict[str, RunReport], project: Path, recorded: Callable[..., list[Path]]
) -> None:
    text = made(samples["proven"], project, records=[str(path) for path in recorded(part=12)])
    assert "From step 12 on the runs differ" in text
    assert "4 of 5 rows differ. The first: conv1 at step 12, conv2 at step 12, fc at step 12 and 1 more." in text
    assert "Differences between the environments" in text
    same = made(samples["identical"], project, records=[str(path) for path in recorded_again(recorded, project)])
    assert "differs at any step" in same


def recorded_again(recorded: Callable[..., list[Path]], project: Path) -> list[Path]:
    (project / ".reprotest").rename(project / "before")
    return recorded(part=None)


def test_a_record_that_is_gone_or_damaged_is_said(
    samples: dict[str, RunReport], project: Path, recorded: Callable[..., list[Path]]
) -> None:
    assert "is no longer there" in made(samples["proven"], project, records=["runs/none"])
    first, second = recorded()
    (second / "streams" / "main.rec").write_bytes(b"not a record at all, but long enough to hold a header" * 4)
    assert "cannot be read" in made(samples["proven"], project, records=[str(first), str(second)])


@pytest.mark.slow
def test_a_million_events_make_a_small_page(
    samples: dict[str, RunReport], project: Path, recorded: Callable[..., list[Path]]
) -> None:
    modules = [
        f"model.layers.{i}.{part}"
        for i in range(50)
        for part in ("attention.qkv", "attention.out", "mlp.up", "mlp.down")
    ]
    paths = recorded(steps=5000, modules=modules, part=700, growth=1.01)
    text = made(samples["proven"], project, records=[str(path) for path in paths])
    assert f"{5000 * 202:,}".replace(",", "\N{NO-BREAK SPACE}") in text
    assert len(text.encode()) < 500_000


def test_source_lines_are_coloured_and_complete() -> None:
    line = '    x = np.zeros(3)  # "no" string'
    assert "".join(text for _, text in html.tokens(line)) == line
    assert ("number", "3") in html.tokens(line)
    assert html.tokens(line)[-1] == ("comment", '# "no" string')
    assert [kind for kind, _ in html.tokens("for name in 'a':")] == [
        "keyword",
        "plain",
        "keyword",
        "plain",
        "string",
        "plain",
    ]


def course(apart: list[list[float]], rows: list[tuple[Phase, str]], width: int = 1) -> Course:
    values = np.array(apart)
    n = values.shape[1]
    return Course(
        width,
        np.arange(n, dtype=np.int64) * width,
        tuple(rows),
        values,
        np.full(n, len(rows), np.int64),
        (values > 0).sum(axis=0),
    )


def test_curve_in_words_and_rows() -> None:
    drawn = charts.curve(course([[0.0, SEEN, 1e-6, ABSENT]], [(Phase.FORWARD, "fc")], width=10))
    assert (
        drawn.said
        == "From steps 10 to 19 on the runs differ; the largest relative difference, 1e-06, is at steps 20 to 29."
    )
    assert [size for _, _, size in drawn.rows] == ["equal", "bits differ", "1e-06", "not compared"]
    assert drawn.line.count("H") == 3
    back = charts.curve(course([[1.0, 0.0]], [(Phase.FORWARD, "fc")]))
    assert back.said.endswith("At the end they agree again.")


def test_heat_map_takes_deep_modules_together() -> None:
    rows = [(Phase.LOSS, "loss"), *((Phase.FORWARD, f"model.{i}.{j}.proj") for i in range(9) for j in range(9))]
    drawn = charts.heat(course([[0.0, 1e-3]] + [[float(i == 40), 0.0] for i in range(81)], rows))
    assert [name for name, *_ in drawn.rows] == [f"model.{i}" for i in range(9)] + ["loss"]
    assert [first for _, first, _, _ in drawn.rows] == ["never"] * 4 + ["step 0"] + ["never"] * 4 + ["step 1"]


def test_heat_map_has_a_last_row_for_the_rest() -> None:
    rows = [(Phase.METRIC, f"m{i}") for i in range(100)]
    drawn = charts.heat(course([[0.0]] * 100, rows))
    assert len(drawn.rows) == charts.MOST_MODULES
    assert drawn.rows[-1][0] == f"{101 - charts.MOST_MODULES} others"


def test_heat_map_bands() -> None:
    values = [ABSENT, 0.0, SEEN, 1e-7, 1e-6, 1e-5, 1e-3, 0.5, 2.0]
    drawn = charts.heat(course([values], [(Phase.FORWARD, "fc")]))
    counts = {name: path.count("M") for name, path in drawn.cells}
    assert counts == {"band0": 1, "band1": 1, "band2": 1, "band3": 1, "band4": 1, "band5": 1, "band6": 1}
