"""A manifest in a terminal: one line a fact, long lists counted."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

LONG = 8
"""From so many entries on a list is counted instead of shown."""


def show(manifest: dict[str, Any], console: Console) -> None:
    """Print a manifest. `--json` has all of it."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for factor, reading in manifest["factors"].items():
        if not reading:
            continue
        for number, (key, value) in enumerate(reading.items()):
            table.add_row(Text(factor if number == 0 else ""), Text(key), Text(_short(value)))
    console.print(table)
    without = [factor for factor, reading in manifest["factors"].items() if not reading]
    if without:
        console.print(Text(f"\nNothing to read about {', '.join(without)}: they only act while a program runs.", "dim"))


def _short(value: Any) -> str:
    if isinstance(value, dict):
        if len(value) > LONG:
            return f"{len(value)} entries (--json lists them)"
        return ", ".join(f"{key}={_short(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list):
        if len(value) > LONG and any(isinstance(item, dict | list) for item in value):
            return f"{len(value)} entries (--json lists them)"
        return ", ".join(_short(item) for item in value) or "none"
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
