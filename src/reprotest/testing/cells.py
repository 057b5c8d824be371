"""A notebook's cells as plain Python, in the order in which the kernel ran them."""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

_BODIES = {"time", "capture", "reproducible"}
"""Cell magics that run their body and change nothing of what it computes."""


@dataclass(frozen=True)
class Cell:
    """One input.

    Attributes:
        number: as in "In [3]".
        source: Python, its lines numbered as in the notebook.
        left_out: sentences on what of it cannot be repeated.
    """

    number: int
    source: str
    left_out: tuple[str, ...] = ()


def cells_of(shell: Any, cell: str, failed: Collection[int]) -> list[Cell]:
    """All that the shell has run so far, then `cell`, the body of the present input.

    Args:
        shell: IPython's.
        cell: without the line of its magic.
        failed: numbers of the inputs that ended with an error: they are left out.
    """
    *history, _ = shell.history_manager.input_hist_raw  # the last one is the present input
    now = len(history)
    cells = [
        plain(number, raw, shell.transform_cell)
        for number, raw in enumerate(history)
        if number and number not in failed and raw.strip()
    ]
    return [*cells, plain(now, "\n" + cell, shell.transform_cell)]


def plain(number: int, raw: str, transform: Any) -> Cell:
    """An input without what only IPython understands. `transform`: IPython's, from its own syntax to Python's."""
    text = raw
    first, _, body = raw.lstrip("\n").partition("\n")
    if first.startswith("%%"):
        name = first[2:].split()[0] if first[2:].split() else ""
        if name not in _BODIES:
            return Cell(number, "", (f"In[{number}] begins with {first.strip()!r} and is left out of the repetition",))
        text = "\n" + body
    source = transform(text)
    leading = len(text) - len(text.lstrip("\n"))
    source = "\n" * (leading - (len(source) - len(source.lstrip("\n")))) + source
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return Cell(number, source)
    lines = source.splitlines()
    left_out = []
    for statement in statements:
        if any(isinstance(node, ast.Name) and node.id == "get_ipython" for node in ast.walk(statement)):
            last = statement.end_lineno or statement.lineno
            said = raw.splitlines()[statement.lineno - 1].strip() if last <= len(raw.splitlines()) else "a magic"
            if not said.startswith("%load_ext reprotest"):
                left_out.append(f"{said!r} of In[{number}] is for the notebook alone and is left out of the repetition")
            for line in range(statement.lineno - 1, last):
                lines[line] = ""
    return Cell(number, "\n".join(lines) + "\n", tuple(left_out))
