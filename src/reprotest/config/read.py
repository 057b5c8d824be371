"""A YAML file as a tree of nodes, with SafeLoader's values; all that can be wrong with a file is said with its line and column.

PyYAML was preferred to ruamel.yaml: it is kept by the YAML project itself, its C parser gives the same events as its Python one, and
ruamel.yaml's strength, writing a file back with its comments, is not needed here.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from reprotest.config import scalar
from reprotest.config.compose import compose
from reprotest.config.node import Mapping, Mark, Node, Scalar, Sequence
from reprotest.errors import ConfigError

FILE_LIMIT = 4_000_000
"""Bytes."""


def read_file(path: Path, shown: str) -> Mapping:
    """The tree of one file; an empty file is an empty mapping.

    Args:
        path: the file.
        shown: how messages call it.

    Raises:
        ConfigError: the file cannot be read, is not UTF-8, not YAML, not keys and values, or beyond a limit.
    """
    try:
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT + 1)
    except FileNotFoundError:
        raise ConfigError(f"{shown}: there is no such file (looked in {path.absolute().parent})") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{shown} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > FILE_LIMIT:
        raise ConfigError(
            f"{shown} is larger than {FILE_LIMIT:,} bytes: keep data in files of its own and name them here"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        raise ConfigError(f"{shown}:{line}:{column}: not UTF-8 ({error.reason}): save the file as UTF-8") from error
    node = parse(text, shown)
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return Mapping({}, Mark(shown, 1, 1))
    if not isinstance(node, Mapping):
        kind = "a list" if isinstance(node, Sequence) else "a single value"
        raise ConfigError(f"{node.mark}: {kind}: expected keys and values, such as `seed: 42`")
    return node


def parse(text: str, source: str) -> Node | None:
    """The tree of a YAML document; None when there is none.

    Raises:
        ConfigError: not YAML, more than one document, or beyond a limit.
    """
    try:
        return compose(text, source)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = Mark(source, mark.line + 1, mark.column + 1) if mark else Mark(source)
        raise ConfigError(f"{at}: {_problem(error, text)}") from error
    except yaml.reader.ReaderError as error:
        character = error.character if isinstance(error.character, int) else ord(error.character)
        at = _at(text, source, error.position)
        raise ConfigError(f"{at}: the character #x{character:04x} is not allowed in YAML") from error
    except UnicodeEncodeError as error:
        raise ConfigError(f"{_at(text, source, error.start)}: half of a surrogate pair, not a character") from error


def unquoted(text: str, mark: Mark) -> Scalar:
    """A text as if it stood in the file without quotes.

    Raises:
        ConfigError: it looks like a number or a date, and is none.
    """
    try:
        value, doubt = scalar.read(text, None, plain=True)
    except scalar.NotPlain as error:
        raise ConfigError(f"{mark}: {error}") from error
    return Scalar(value, text, mark, plain=True, doubt=doubt)


def _at(text: str, source: str, position: int) -> Mark:
    before = text[:position]
    return Mark(source, before.count("\n") + 1, position - before.rfind("\n"))


def _problem(error: yaml.MarkedYAMLError, text: str) -> str:
    """What the parser says, and the next step for the two mistakes that are made most."""
    said = f"not valid YAML: {error.problem or error.context}"
    if error.context and error.problem:
        said += f" {error.context}"
    mark = error.problem_mark or error.context_mark
    context = error.context_mark or mark
    lines = text.splitlines()
    written = lines[mark.line] if mark and mark.line < len(lines) else ""
    opened = lines[context.line] if context and context.line < len(lines) else ""
    indent = written[: len(written) - len(written.lstrip())]
    if "\t" in indent or (mark and written[mark.column : mark.column + 1] == "\t"):
        return f"{said}; indent with spaces, not tabs"
    if "${" in opened and "flow" in (error.context or ""):
        return f'{said}; inside of {{ }} and [ ], quote a reference: "${{NAME}}"'
    return said
