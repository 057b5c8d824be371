"""A configuration as a tree that remembers where each part was written.

Files are read into such trees, bases and overrides are merged as trees, references are resolved in them; only then do they
become plain data. So every later error can name file, line and column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Key = str | int | float


class Mark(NamedTuple):
    """Where something was written: a file, or another source in words. Line and column start at 1; line 0: there is none."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(slots=True)
class Scalar:
    """One value.

    Attributes:
        value: as YAML reads it.
        text: as it was written; what a field of type str gets (`version: 1.10`).
        plain: written without quotes and without a tag, so that its type is YAML's guess.
        secret: comes from a variable that holds a secret.
        doubt: why it cannot be used without a model: YAML's versions disagree about the number.
        origin: the reference that it was taken from, as written.
    """

    value: Any
    text: str
    mark: Mark
    plain: bool = False
    secret: bool = False
    doubt: str | None = None
    origin: str | None = None


@dataclass(slots=True)
class Sequence:
    items: list[Node]
    mark: Mark


@dataclass(slots=True)
class Mapping:
    items: dict[Key, Node]
    mark: Mark
    keys: dict[Key, Mark] = field(default_factory=dict)
    """Where each key was written, which may be another place than its value."""


Node = Scalar | Sequence | Mapping


def plain(node: Node) -> Any:
    """The tree as dicts, lists and values."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key: plain(item) for key, item in node.items.items()}


def scalars(node: Node, path: tuple[Key, ...] = ()) -> Iterator[tuple[tuple[Key, ...], Scalar]]:
    """Every value with the keys and indices that lead to it."""
    if isinstance(node, Scalar):
        yield path, node
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield from scalars(item, (*path, index))
    else:
        for key, item in node.items.items():
            yield from scalars(item, (*path, key))


def step(node: Node, part: Key) -> Key | None:
    """The key or index of the node that this part of a path means; None when there is none. `steps.0` works as in `steps[0]`."""
    if isinstance(node, Mapping):
        if part in node.items:
            return part
        return next((key for key in node.items if str(key) == str(part)), None) if isinstance(part, str) else None
    if isinstance(node, Sequence):
        try:
            index = int(part)
        except ValueError:
            return None
        return index if 0 <= index < len(node.items) else None
    return None


def child(node: Node, part: Key) -> Node | None:
    """What a key or index leads to; None when it leads nowhere."""
    found = step(node, part)
    if found is None:
        return None
    return node.items[found]  # type: ignore[index, union-attr]  # step() has found it there


def dotted(path: tuple[Key, ...]) -> str:
    return ".".join(str(part) for part in path)
