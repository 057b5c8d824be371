"""A tree as an instance of a pydantic model or dataclass, with errors that name the place in the file."""

from __future__ import annotations

import decimal
import reprlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from reprotest.config.node import Key, Mapping, Mark, Node, Scalar, Sequence, child, dotted, plain, scalars, step
from reprotest.config.shape import fields_at, is_secret, takes_any_key, types_at
from reprotest.config.suggest import did_you_mean
from reprotest.errors import ConfigError, UsageError
from reprotest.secrets import MASK, is_secret_name

Path = tuple[Key, ...]

_UNKNOWN = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
_MISSING = frozenset({"missing", "missing_argument", "missing_keyword_only_argument"})
_EXPECTED = {
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text",
    "none_required": "null",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "path_type": "a path",
    "model_type": "keys and values",
    "model_attributes_type": "keys and values",
    "dataclass_type": "keys and values",
    "dict_type": "keys and values",
}
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60
_MOST_ERRORS = 20
_CONSIDERED = 500
"""Errors that are put into the order of the file; more only count."""


def typed(root: Mapping, model: Any) -> Any:
    """The model's instance for a tree. A value's type is the model's: text where it wants text (`version: 1.10`), a number where a number.

    Raises:
        ConfigError: unknown keys, missing keys, wrong types and whatever the model's own validators refuse; all of them at once.
        UsageError: `model` is not a model.
    """
    adapter = _adapter(model)
    values = plain(root)
    said = [sentence for path, scalar in scalars(root) for sentence in _guesses(model, values, path, scalar)]
    errors = _errors(adapter, values)
    if errors and _as_written(root, values, errors):
        errors = _errors(adapter, values)
    tolerated = [path for path in _unknown(root, errors) if takes_any_key(model, path[:-1])]
    if tolerated:
        errors = _errors(adapter, _without(values, tolerated))
    said += _said(model, root, errors[:_CONSIDERED])
    if said:
        raise ConfigError(_together([str(sentence) for sentence in sorted(said)], len(errors[_CONSIDERED:])))
    try:
        return adapter.validate_python(values, extra=None if tolerated else "forbid")
    except ValidationError as error:
        raise ConfigError(
            _together([str(sentence) for sentence in _said(model, root, error.errors(include_url=False))])
        ) from None


class _Sentence(NamedTuple):
    mark: Mark
    text: str

    def __str__(self) -> str:
        return f"{self.mark}: {self.text}"


@lru_cache(maxsize=64)
def _adapter(model: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(model)
    except PydanticUserError as error:
        raise _no_model(model, error) from error


def _no_model(model: Any, error: PydanticUserError) -> UsageError:
    return UsageError(f"{model!r} cannot be the model of a configuration: {error.message}")


def _errors(adapter: TypeAdapter[Any], values: Any) -> list[Any]:
    try:
        adapter.validate_python(values, extra="forbid")
    except ValidationError as error:
        return error.errors(include_url=False)
    except PydanticUserError as error:  # a type whose name could not be resolved
        raise _no_model(adapter, error) from error
    return []


def _unknown(root: Mapping, errors: list[Any]) -> list[Path]:
    return [_path(root, error["loc"]) for error in errors if error["type"] in _UNKNOWN]


def _as_written(root: Mapping, values: Any, errors: list[Any]) -> bool:
    """Put the text of unquoted values where YAML's guess of their type was refused: `no` as a language, `1.10` as a version."""
    changed = False
    for error in errors:
        path = _path(root, error["loc"])
        node = _at(root, path)
        if error["loc"][-1:] == ("[key]",) and isinstance(path[-1], int | float):
            _rename(values, path)
            changed = True
            continue
        guessed = isinstance(node, Scalar) and node.plain and node.value is not None and not isinstance(node.value, str)
        if isinstance(node, Scalar) and guessed and error["type"] not in _UNKNOWN:
            _put(values, path, node.text)
            changed = True
    return changed


def _put(values: Any, path: Path, value: Any) -> None:
    for part in path[:-1]:
        values = values[part]
    values[path[-1]] = value


def _rename(values: Any, path: Path) -> None:
    """Make a number that is a key the text that it was written as."""
    for part in path[:-1]:
        values = values[part]
    for key in list(values):
        values[str(key) if key == path[-1] else key] = values.pop(key)


def _guesses(model: Any, values: Any, path: Path, scalar: Scalar) -> Iterator[_Sentence]:
    """What pydantic would take and should not: true as the number 1, and a number that YAML's versions read differently."""
    if scalar.doubt is None and not isinstance(scalar.value, bool):
        return
    declared = types_at(model, path)
    if str in declared and bool not in declared:
        _put(values, path, scalar.text)
    elif scalar.doubt is not None:
        if not declared or {int, float, decimal.Decimal, Any, object} & set(declared):
            yield _Sentence(scalar.mark, f"{dotted(path)}: {scalar.doubt}")
    elif {int, float} & set(declared) and not {bool, Any, object} & set(declared):
        expected = "a whole number" if int in declared else "a number"
        yield _Sentence(scalar.mark, f"{dotted(path)} is {scalar.text}: expected {expected}")


def _said(model: Any, root: Mapping, errors: list[Any]) -> list[_Sentence]:
    """Pydantic's errors for people: one sentence for each place of the configuration."""
    places: dict[Path, list[Any]] = {}
    for error in errors:
        path = _path(root, error["loc"])
        places.setdefault((*path, error["loc"][-1]) if error["type"] in _MISSING else path, []).append(error)
    return [_sentence(model, root, path, found) for path, found in places.items()]


def _sentence(model: Any, root: Mapping, path: Path, errors: list[Any]) -> _Sentence:
    kinds = {error["type"] for error in errors}
    above = _at(root, path[:-1]) or root
    name = dotted(path) or "the whole"
    if kinds <= _MISSING:
        return _Sentence(above.mark, f"{name} is missing")
    if kinds <= _UNKNOWN:
        mark = above.keys.get(path[-1], above.mark) if isinstance(above, Mapping) else above.mark
        return _Sentence(mark, f"unknown key {name}; {did_you_mean(str(path[-1]), fields_at(model, path[:-1]))}")
    node = _at(root, path) or root
    origin = f", from {node.origin}" if isinstance(node, Scalar) and node.origin else ""
    expected = " or ".join(dict.fromkeys(_expected(error) for error in errors if error["type"] not in _UNKNOWN))
    expected = expected.replace(" or expected ", " or ")
    return _Sentence(node.mark, f"{name} is {_shown(model, path, node)}{origin}: {expected}")


def _expected(error: Any) -> str:
    if error["type"] in _EXPECTED:
        return f"expected {_EXPECTED[error['type']]}"
    said = str(error["msg"])
    for start in ("Input should be ", "Value error, ", "Assertion failed, "):
        if said.startswith(start):
            return said.replace(start, "expected " if start.startswith("Input") else "", 1)
    return said[:1].lower() + said[1:]


def _shown(model: Any, path: Path, node: Node) -> str:
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Mapping):
        return "keys and values"
    if (
        node.secret
        or is_secret(model, path)
        or (path and isinstance(node.value, str) and is_secret_name(str(path[-1])))
    ):
        return MASK
    if node.value is None:
        return "null"
    return _SHORT.repr(node.value) if isinstance(node.value, str) else node.text[:60]


def _path(root: Node, location: tuple[Key, ...]) -> Path:
    """The keys of pydantic's location that lead somewhere; names of union members and the like are left out."""
    path: list[Key] = []
    node = root
    for part in location:
        found = step(node, part)
        below = child(node, part)
        if found is not None and below is not None:
            path.append(found)
            node = below
    return tuple(path)


def _at(root: Node, path: Path) -> Node | None:
    node: Node | None = root
    for part in path:
        node = child(node, part) if node is not None else None
    return node


def _without(values: Any, paths: list[Path]) -> Any:
    """A copy that lacks the keys at these paths."""
    gone = {path[0] for path in paths if len(path) == 1}
    if isinstance(values, dict):
        return {
            key: _without(value, [path[1:] for path in paths if len(path) > 1 and path[0] == key])
            for key, value in values.items()
            if key not in gone
        }
    if isinstance(values, list):
        return [
            _without(value, [path[1:] for path in paths if len(path) > 1 and path[0] == at])
            for at, value in enumerate(values)
        ]
    return values


def _together(sentences: list[str], further: int = 0) -> str:
    """One message of several; `further` counts those that were not put into words."""
    total = len(sentences) + further
    if total == 1:
        return sentences[0]
    shown = [*sentences[:_MOST_ERRORS]]
    if total > len(shown):
        shown.append(f"… and {total - len(shown)} more")
    return f"{total} things are wrong with the configuration:\n" + "\n".join(f"  {said}" for said in shown)
