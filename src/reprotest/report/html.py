"""One self-contained HTML page: no script, nothing from elsewhere, light and dark, readable on paper and by a screen reader."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from reprotest.report import charts, words
from reprotest.report.evidence import Evidence, evidence
from reprotest.report.tree import MARKS, Status, Tree
from reprotest.version import version


@dataclass(frozen=True)
class Part:
    """One result on the page: its tree, what its records show, and the pictures of that."""

    id: str
    tree: Tree
    evidence: Evidence
    curve: charts.Curve | None
    heat: charts.Heat | None


def page(tree: Tree, root: str | Path = ".", *, labels: Sequence[str] = (), made: datetime | None = None) -> str:
    """The page.

    Args:
        tree: what is shown.
        root: the folder to which its records are relative.
        labels: names of the runs; "run 1" and so on when not given.
        made: the time that the page says it was made at; now when not given.
    """
    parts = [_part(leaf, Path(root), labels, n) for n, leaf in enumerate(tree.leaves(), start=1)]
    rendered: str = (
        _environment()
        .get_template("page.html.j2")
        .render(tree=tree, parts=parts, made=made or datetime.now(UTC), version=version(), Status=Status)
    )
    return rendered


def _part(tree: Tree, root: Path, labels: Sequence[str], number: int) -> Part:
    paths = [root / path for path in tree.records]
    gone = [path for path in paths if not path.is_dir()]
    if gone:
        found = Evidence(missing=f"The record {gone[0].name} is no longer there, so nothing can be drawn from it.")
    else:
        shown = paths if tree.alike else paths[:1]
        found = evidence(shown, labels=labels) if shown else Evidence()
        told = {table.id for table in tree.tables}
        found = replace(found, environment=tuple(table for table in found.environment if table.id not in told))
    drawn = found.course if found.course is not None and found.course.differing.any() else None
    return Part(
        f"result-{number}",
        tree,
        found,
        charts.curve(drawn) if drawn is not None else None,
        charts.heat(drawn) if drawn is not None else None,
    )


@cache
def _environment() -> Any:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reprotest.report"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    environment.filters.update(times=words.times, tokens=tokens, mark=MARKS.__getitem__, grouped=_with_spaces)
    environment.globals.update(
        bands=charts.BANDS, chart_width=charts.WIDTH, chart_left=charts.LEFT, chart_right=charts.RIGHT
    )
    return environment


def _with_spaces(number: int) -> str:
    return words.grouped(number).replace(" ", "\N{NO-BREAK SPACE}")


_TOKENS = re.compile(
    r"""(?P<comment>\#.*)
      | (?P<string>[rbfu]{0,2}(?:\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'))
      | (?P<number>\b\d[\d_]*(?:\.\d*)?(?:e[+-]?\d+)?\b)
      | (?P<word>[^\W\d]\w*)
      | (?P<plain>\s+|.)""",
    re.VERBOSE | re.IGNORECASE,
)


def tokens(line: str) -> list[tuple[str, str]]:
    """One line of Python as (kind, text): a few colours help to read it, a whole grammar would not help more."""
    found: list[tuple[str, str]] = []
    for match in _TOKENS.finditer(line):
        kind = match.lastgroup or "plain"
        if kind == "word":
            kind = "keyword" if keyword.iskeyword(match[0]) else "plain"
        if found and found[-1][0] == kind == "plain":
            found[-1] = (kind, found[-1][1] + match[0])
        else:
            found.append((kind, match[0]))
    return found
