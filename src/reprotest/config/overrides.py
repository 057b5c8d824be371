"""Values from the command line laid over those of the files: `training.lr=0.1`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reprotest.config.node import Key, Mapping, Mark, Node, Scalar, Sequence, child, step
from reprotest.config.read import parse, unquoted
from reprotest.config.suggest import did_you_mean
from reprotest.errors import ConfigError, UsageError

_WORD = re.compile(r"(?P<add>\+?)(?P<key>[^\s=+-][^\s=]*)=(?P<value>.*)", re.DOTALL)
_STRUCTURED = re.compile(r"\s*[\[{\"']")
PRINT = "--print-config"
CONFIG = "--config"


@dataclass(frozen=True)
class Override:
    """One value to be laid over the configuration.

    Attributes:
        path: the keys that lead to it.
        node: the value.
        add: it may be a key that the configuration does not have.
    """

    path: tuple[str, ...]
    node: Node
    add: bool = False

    @property
    def mark(self) -> Mark:
        return self.node.mark


@dataclass
class CommandLine:
    """What a program's command line says about its configuration.

    Attributes:
        words: the overrides.
        file: another file than the program's own (`--config FILE`).
        show: the configuration is to be printed instead of the program to run (`--print-config`).
    """

    words: list[str] = field(default_factory=list)
    file: Path | None = None
    show: bool = False


def read_command_line(arguments: Iterable[str]) -> CommandLine:
    """Take the words of a command line apart: `key=value`, `--config FILE`, `--print-config`.

    Raises:
        UsageError: any other word.
    """
    found = CommandLine()
    words = iter(arguments)
    for word in words:
        if word == PRINT:
            found.show = True
        elif word == CONFIG or word.startswith(CONFIG + "="):
            value = word.partition("=")[2] if "=" in word else next(words, "")
            if not value:
                raise UsageError(f"{CONFIG} needs a file, such as {CONFIG} configs/baseline.yaml")
            found.file = Path(value)
        elif _WORD.fullmatch(word):
            found.words.append(word)
        else:
            name = word.lstrip("-").partition("=")[0]
            example = f"{name}=VALUE" if word.startswith("-") and name else "training.lr=0.1"
            raise UsageError(f"{word!r} is not understood: expected {example}, {CONFIG} FILE or {PRINT}")
    return found


def read_overrides(overrides: Iterable[str] | AnyMapping[str, Any]) -> list[Override]:
    """Overrides from words (`training.lr=0.1`, `+new.key=1`) or from a mapping of dotted keys to values.

    A word's value is read as YAML reads it without quotes; in brackets, braces or quotes, as YAML.

    Raises:
        UsageError: a word that is not key=value.
        ConfigError: a value that is not understood.
    """
    if isinstance(overrides, str):
        raise UsageError(f"overrides is the text {overrides!r}: expected a list, such as ['training.lr=0.1']")
    if isinstance(overrides, AnyMapping):
        return [_given(key, value) for key, value in overrides.items()]
    return [_word(word) for word in overrides]


def apply(root: Mapping, overrides: Iterable[Override], *, typed: bool) -> Mapping:
    """The tree with the overrides laid over it; not changed itself.

    Args:
        root: the tree.
        overrides: in their order; a later one wins.
        typed: a model will judge which keys there may be. Without one, a key must exist already or be added with `+`.

    Raises:
        ConfigError: a key that does not exist, or below something that has no keys.
    """
    for override in overrides:
        laid = _laid(root, override, 0, typed)
        assert isinstance(laid, Mapping)
        root = laid
    return root


def _word(word: str) -> Override:
    match = _WORD.fullmatch(word)
    if match is None:
        raise UsageError(f"the override {word!r} is not understood: expected key=value, such as training.lr=0.1")
    mark = Mark(f"override {match['key']}")
    text = match["value"]
    node = parse(text, mark.source) if _STRUCTURED.match(text) else unquoted(text, mark)
    assert node is not None
    return Override(_path(match["key"]), _moved(node, mark), add=bool(match["add"]))


def _given(key: str, value: Any) -> Override:
    return Override(_path(key.removeprefix("+")), _tree(value, Mark(f"override {key}")), add=key.startswith("+"))


def _path(key: str) -> tuple[str, ...]:
    parts = tuple(key.split("."))
    if not all(parts):
        raise UsageError(f"the override {key!r} has an empty part: expected keys joined by dots, such as training.lr")
    return parts


def _laid(node: Node, override: Override, depth: int, typed: bool) -> Node:
    if depth == len(override.path):
        return override.node
    part = override.path[depth]
    here = ".".join(override.path[:depth])
    may_add = typed or override.add
    if isinstance(node, Scalar):
        if node.value is not None or not may_add:
            refers = f" (it is {node.text})" if "${" in node.text else ""
            raise ConfigError(f"{override.mark}: {here} has no keys{refers}, written at {node.mark}")
        node = Mapping({}, override.mark)
    found = step(node, part)
    if isinstance(node, Sequence):
        if found is None:
            raise ConfigError(
                f"{override.mark}: {here} is a list of {len(node.items)}: expected an index below that, not {part}"
            )
        items = list(node.items)
        items[int(found)] = _laid(items[int(found)], override, depth + 1, typed)
        return Sequence(items, node.mark)
    if found is None and not may_add:
        place = f" under {here}" if here else ""
        raise ConfigError(
            f"{override.mark}: no key {part}{place}; {did_you_mean(part, map(str, node.items))} "
            f"(+{'.'.join(override.path)}=… adds it)"
        )
    key: Key = part if found is None else found
    below = child(node, key) or Scalar(None, "", override.mark)
    laid = _laid(below, override, depth + 1, typed)
    return Mapping({**node.items, key: laid}, node.mark, {**node.keys, key: override.mark})


def _moved(node: Node, mark: Mark) -> Node:
    """The same tree, said to come from the override as a whole."""
    if isinstance(node, Scalar):
        node.mark = mark
    elif isinstance(node, Sequence):
        node = Sequence([_moved(item, mark) for item in node.items], mark)
    else:
        items = {key: _moved(item, mark) for key, item in node.items.items()}
        node = Mapping(items, mark, dict.fromkeys(items, mark))
    return node


def _tree(value: Any, mark: Mark) -> Node:
    if isinstance(value, AnyMapping):
        items = {key: _tree(item, mark) for key, item in value.items()}
        return Mapping(items, mark, dict.fromkeys(items, mark))
    if isinstance(value, list | tuple):
        return Sequence([_tree(item, mark) for item in value], mark)
    return Scalar(value, value if isinstance(value, str) else str(value), mark)
