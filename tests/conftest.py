"""What holds for all tests."""

from __future__ import annotations

from typing import Any

import pytest


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
