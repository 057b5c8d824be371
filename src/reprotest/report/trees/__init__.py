"""Documents to trees: one file a schema (`reprotest.<name>/1` is read by `<name>.py`), so that every presenter knows every verb."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reprotest.errors import RecordError
from reprotest.report.tree import Tree

_SCHEMA = re.compile(r"reprotest\.([a-z_]+)/(\d+)")


def known() -> list[str]:
    """The schemas that have a file of their own."""
    return sorted(name for _, name, _ in pkgutil.iter_modules(__path__) if not name.startswith("_"))


def tree_of(document: Mapping[str, Any], root: str | Path = ".", title: str | None = None) -> Tree:
    """The tree of a verb's JSON document.

    Args:
        document: as `--json` writes it.
        root: the folder to which its locations are relative.
        title: the experiment's name, where there are several.

    Raises:
        RecordError: it is no document of reprotest, or one of a newer version.
    """
    schema = document.get("schema")
    match = _SCHEMA.fullmatch(schema) if isinstance(schema, str) else None
    if match is None:
        raise RecordError(f"not a result of reprotest: its schema is {schema!r:.80}, expected reprotest.run/1 or alike")
    name, version = match[1], int(match[2])
    if version != 1:
        raise RecordError(f"a result of schema {schema}; this reprotest reads reprotest.{name}/1: update reprotest")
    module = importlib.import_module(f"{__name__}.{name if name in known() else '_other'}")
    try:
        made = module.tree(document, Path(root), title)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(f"a damaged result of schema {schema}: {type(error).__name__}: {error}") from error
    assert isinstance(made, Tree)
    return made
