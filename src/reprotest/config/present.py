"""A configuration for people and for records: plain data without secrets, YAML, and a digest."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, TextIO

from reprotest.errors import UsageError
from reprotest.secrets import MASK, is_secret_name, mask_text

_SHORTEST = 8
"""Characters: hiding a shorter text wherever it stands would hide ordinary words."""
_loaded_secrets: set[str] = set()
"""Texts of secret variables that configurations of this process were given."""


def remember_secrets(texts: Iterable[str]) -> None:
    """Hide these texts in whatever is shown from now on, also where a model's field is plain text."""
    _loaded_secrets.update(text for text in texts if text)


def hide(text: str) -> str:
    """A message with remembered secrets replaced."""
    for secret in _loaded_secrets:
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, MASK)
    return text


def plain_data(config: Any) -> Any:
    """A configuration (from `load_config`, a model, a dataclass, a mapping) as dicts, lists, numbers, text and None.

    Secrets are replaced by ***: pydantic's secret types, what came from a variable that holds a secret, text under a key that says
    so (`api_key`), and what looks like a token. Paths, enums and bytes become what a file would say; dates stay dates.

    Raises:
        UsageError: a value that is no plain data.
    """
    return _plain(config, "")


def config_digest(config: Any) -> str:
    """A digest of what a configuration says: equal for equal settings, however and in whatever order they were written.

    Over canonical JSON of `plain_data`: keys sorted, floats as their shortest exact decimal, whole numbers apart from floats. Secrets
    do not enter it.

    Returns:
        "sha256:" and 64 hexadecimal digits.
    """
    text = json.dumps(canonical(config), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def canonical(config: Any) -> Any:
    """`plain_data` as JSON knows it: keys are text, dates are text, infinities and NaN are Python's JSON extensions."""
    return _json(plain_data(config))


def format_config(config: Any) -> str:
    """A configuration as YAML that `load_config` reads back as the same, secrets aside."""
    import yaml

    from reprotest.config.dump import Dumper

    return yaml.dump(_escaped(plain_data(config)), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)


def print_config(config: Any, file: TextIO | None = None) -> None:
    """Print a configuration as YAML, secrets replaced by ***."""
    (sys.stdout if file is None else file).write(format_config(config))


def _plain(value: Any, name: str) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, enum.Enum):
        return _plain(value.value, name)
    if isinstance(value, str):
        return _text(str(value), name)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        return {_key(key): _plain(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, name) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(item, name) for item in value), key=repr)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value)]
        return {field: _plain(getattr(value, field), field) for field in fields}
    if isinstance(value, PurePath):
        return _text(str(value), name)
    if isinstance(value, datetime.date | datetime.time):
        return value
    return _pydantic(value, name)


def _pydantic(value: Any, name: str) -> Any:
    """What only pydantic knows: its models and secrets, and what it can write as JSON (URLs, decimals, time deltas, bytes)."""
    from pydantic import BaseModel, SecretBytes, SecretStr
    from pydantic_core import PydanticSerializationError, to_jsonable_python

    from reprotest.config.shape import key_of

    if isinstance(value, SecretStr | SecretBytes):
        return MASK
    if isinstance(value, BaseModel):
        own = {key_of(key, field): _plain(getattr(value, key), key) for key, field in type(value).model_fields.items()}
        return own | {key: _plain(item, key) for key, item in (value.model_extra or {}).items()}
    try:
        return to_jsonable_python(value, bytes_mode="base64")
    except (PydanticSerializationError, ValueError) as error:
        raise UsageError(
            f"{name or 'the configuration'} is a {type(value).__name__}, which is no plain data: expected keys, lists, numbers, text"
        ) from error


def _text(text: str, name: str) -> str:
    if text and (is_secret_name(name) or text in _loaded_secrets):
        return MASK
    return hide(mask_text(text, values=()))


def _key(key: Any) -> Any:
    return key.value if isinstance(key, enum.Enum) else key


def _escaped(value: Any) -> Any:
    """What is resolved holds no references: a `${` in it is meant literally."""
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else value
