"""The types that a model declares along a path of keys: what fields there are, and what a value is meant to be."""

from __future__ import annotations

import collections.abc
import dataclasses
import types
import typing
from collections.abc import Iterator
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from pydantic import AliasChoices, BaseModel, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from reprotest.config.node import Key

_QUALIFIERS = {
    typing.ClassVar,
    typing.Final,
    typing.Required,
    typing.NotRequired,
    getattr(typing, "ReadOnly", typing.Final),
}


def types_at(model: Any, path: tuple[Key, ...]) -> list[Any]:
    """Every type that a value at this path may be declared with; several for a union, none where the model does not say."""
    found = list(_alternatives(model))
    for part in path:
        found = [below for tp in found for below in _below(tp, part)]
    return found


def fields_at(model: Any, path: tuple[Key, ...]) -> list[str]:
    """The keys that a mapping at this path may have, as they are written in a file; empty where any key may stand."""
    return [name for tp in types_at(model, path) for name in _fields(tp)]


def takes_any_key(model: Any, path: tuple[Key, ...]) -> bool:
    """Has the model at this path been told explicitly what to do with other keys (`extra="allow"` or `"ignore"`)?"""
    return any(_extra(tp) in ("allow", "ignore") for tp in types_at(model, path))


def is_secret(model: Any, path: tuple[Key, ...]) -> bool:
    return any(isinstance(tp, type) and issubclass(tp, SecretStr | SecretBytes) for tp in types_at(model, path))


def key_of(name: str, field: FieldInfo) -> str:
    """A field's name as it is written in a file: its alias where it has one."""
    alias = field.validation_alias or field.alias
    if isinstance(alias, AliasChoices):
        alias = alias.choices[0]
    return alias if isinstance(alias, str) else name


def _alternatives(tp: Any) -> Iterator[Any]:
    """A type without its wrappings: each member of a union, what is annotated, what an alias stands for."""
    origin = get_origin(tp)
    if hasattr(tp, "__value__"):  # type X = …
        yield from _alternatives(tp.__value__)
    elif isinstance(tp, NewType):
        yield from _alternatives(tp.__supertype__)
    elif origin is typing.Annotated:
        yield from _alternatives(get_args(tp)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(tp):
            yield from _alternatives(member)
    elif origin in _QUALIFIERS:
        yield from _alternatives(get_args(tp)[0])
    else:
        yield tp


def _below(tp: Any, part: Key) -> Iterator[Any]:
    fields = _fields(tp)
    if fields:
        if part in fields:
            yield from _alternatives(fields[str(part)])
        return
    origin, arguments = get_origin(tp), get_args(tp)
    if not isinstance(origin, type) or not arguments:
        return
    if issubclass(origin, collections.abc.Mapping):
        yield from _alternatives(arguments[-1])
    elif issubclass(origin, tuple) and arguments[-1] is not Ellipsis:
        if isinstance(part, int) and part < len(arguments):
            yield from _alternatives(arguments[part])
    elif issubclass(origin, collections.abc.Iterable):
        yield from _alternatives(arguments[0])


def _fields(tp: Any) -> dict[str, Any]:
    """The fields of a model, dataclass, typed dict or named tuple, with their types; empty for other types."""
    origin = get_origin(tp) or tp
    if not isinstance(origin, type):
        return {}
    if issubclass(origin, BaseModel):
        return {key_of(name, field): field.annotation for name, field in origin.model_fields.items()}
    declared = getattr(origin, "__pydantic_fields__", None)
    if declared:  # a pydantic dataclass
        return {key_of(name, field): field.annotation for name, field in declared.items()}
    if dataclasses.is_dataclass(origin) or hasattr(origin, "__total__") or hasattr(origin, "_field_defaults"):
        try:
            hints = get_type_hints(origin, include_extras=True)
        except (NameError, TypeError):  # pydantic will say what is wrong with it
            return {}
        names = (
            [field.name for field in dataclasses.fields(origin) if field.init]
            if dataclasses.is_dataclass(origin)
            else hints
        )
        return {name: hints[name] for name in names}
    return {}


def _extra(tp: Any) -> str | None:
    origin = get_origin(tp) or tp
    config = getattr(origin, "model_config", None) or getattr(origin, "__pydantic_config__", None)
    return config.get("extra") if isinstance(config, dict) else None
