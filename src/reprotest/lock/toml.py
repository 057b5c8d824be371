"""Writes the part of TOML that a lock needs: tables, arrays of tables, text, numbers, booleans and lists of them; keys sorted."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def dumps(document: Mapping[str, Any]) -> str:
    """The document as TOML 1.0. Values first, then tables; a list of more than one item has a line for each."""
    return "\n".join(_table((), document)) + "\n"


def _table(path: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[str]:
    inner = {key: value for key, value in table.items() if _is_table(value)}
    for key in sorted(table.keys() - inner.keys()):
        yield f"{_key(key)} = {_value(table[key])}"
    for key in sorted(inner):
        where = (*path, key)
        name = ".".join(map(_key, where))
        if isinstance(inner[key], Mapping):
            if any(not _is_table(value) for value in inner[key].values()):  # else the tables inside say it all
                yield f"\n[{name}]"
            yield from _table(where, inner[key])
        else:
            for item in inner[key]:
                yield f"\n[[{name}]]"
                yield from _table(where, item)


def _is_table(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(value)
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return repr(value) if math.isfinite(value) else str(value)
        case str():
            return _text(value)
        case list() | tuple():
            items = [_value(item) for item in value]
            inline = f"[{', '.join(items)}]"
            return inline if len(inline) < 100 else "[\n" + "".join(f"    {item},\n" for item in items) + "]"
        case Mapping():
            return "{}"
        case _:
            raise TypeError(f"{value!r} has no form in TOML")


def _text(text: str) -> str:
    """A basic string; JSON's escapes are TOML's, but for surrogates and DEL."""
    clean = text.encode("utf-8", "replace").decode()
    return json.dumps(clean, ensure_ascii=False).replace("\x7f", "\\u007F")
