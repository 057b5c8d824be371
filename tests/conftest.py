"""What holds for all tests."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

import reprotest
from reprotest.result import RunReport


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let `xdist_group` hold: pytest 9.2 has node ids behind which pytest-xdist 3.8 cannot put a group's name, and says nothing."""
    if not getattr(config.option, "loadgroup", False):
        return
    from _pytest.nodes import coerce_node_id

    for item in items:
        mark = item.get_closest_marker("xdist_group")
        suffix = f"@{mark.args[0]}" if mark is not None else ""
        if not item.nodeid.endswith(suffix):
            changed: Any = item
            changed._id = coerce_node_id(item.nodeid + suffix)


@pytest.fixture
def explain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Run a script's source and return the report."""
    monkeypatch.chdir(tmp_path)

    def run(source: str, **options: object) -> RunReport:
        (tmp_path / "train.py").write_text(textwrap.dedent(source).lstrip())
        return reprotest.run("train.py", **options)  # type: ignore[arg-type]

    return run
