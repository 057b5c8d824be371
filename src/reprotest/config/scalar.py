"""What an unquoted scalar means, where YAML 1.1 (PyYAML) and YAML 1.2 differ.

| written | PyYAML | YAML 1.2 | here |
| --- | --- | --- | --- |
| `1e-3`, `5E4` | string | float | float |
| `0o17` | string | 15 | 15 |
| `12:30` | 750 | string | string |
| `017` | 15 | 17 | refused, unless the model's field takes text |
| `yes`, `no`, `on`, `off` | true, false | string | true, false; text where the model's field takes text |
| `1_000`, `0b11`, `2024-01-31` | number, number, date | string | number, number, date |

Everything else is the same in all three.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import yaml

_INT_TAG = "tag:yaml.org,2002:int"
_TEXT_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "merge", "value"))
_NUMBER_STARTS = frozenset("+-.0123456789")

EXPONENT = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)[eE][-+]?[0-9]+")
OCTAL = re.compile(r"[-+]?0o[0-7]+")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_MOST_DIGITS = 400
"""Longer integers are no settings, and converting them takes time that grows with the square."""


class NotPlain(ValueError):
    """A scalar that cannot be read as what it says it is; the message says why."""


class _Scalars(yaml.constructor.SafeConstructor, yaml.resolver.Resolver):
    """SafeLoader's reading of scalars, without a stream."""

    def __init__(self) -> None:
        yaml.constructor.SafeConstructor.__init__(self)
        yaml.resolver.Resolver.__init__(self)


_scalars = _Scalars()
_CONSTRUCTORS: dict[str, Callable[[_Scalars, yaml.ScalarNode], Any]] = {
    f"tag:yaml.org,2002:{name}": _Scalars.yaml_constructors[f"tag:yaml.org,2002:{name}"]
    for name in ("null", "bool", "int", "float", "binary", "timestamp")
}


def read(text: str, tag: str | None, plain: bool) -> tuple[Any, str | None]:
    """The value of a scalar, and a doubt about it (None when there is none).

    Args:
        text: the scalar without its quotes.
        tag: the tag that was written (`!!float`), None without one.
        plain: written without quotes.

    Raises:
        NotPlain: a tag that is not plain data, or a text that its tag does not fit.
    """
    if tag is None and plain and text[:1] in _NUMBER_STARTS:
        if len(text) > _MOST_DIGITS and text.strip("+-")[:200].replace("_", "").replace("0o", "").isdigit():
            raise NotPlain(f"a number of {len(text):,} characters; quote it if it is text")
        if OCTAL.fullmatch(text):
            return int(text.replace("0o", ""), 8), None
        if EXPONENT.fullmatch(text):
            number = float(text.replace("_", ""))
            if math.isinf(number):
                raise NotPlain(f"{text[:40]} is larger than a float can hold: write .inf if infinity is meant")
            return number, None
        if _SEXAGESIMAL.fullmatch(text):
            return text, None
        if _LEADING_ZERO.fullmatch(text) and text.strip("+-0_"):
            return text, f"{text} reads as another number in YAML 1.1 than in 1.2: drop the leading zero, or quote it"
    implicit = tag is None
    if tag is None or tag == "!":
        tag = str(_scalars.resolve(yaml.ScalarNode, text, (plain and implicit, True)))  # type: ignore[no-untyped-call]
    if tag in _TEXT_TAGS:
        return text, None
    construct = _CONSTRUCTORS.get(tag)
    if construct is None:
        raise NotPlain(f"the tag {short_tag(tag)} is not plain data")
    if tag == _INT_TAG and len(text) > _MOST_DIGITS:
        raise NotPlain(f"a whole number of {len(text):,} digits; quote it if it is text")
    try:
        return construct(_scalars, yaml.ScalarNode(tag, text)), None
    except (ValueError, LookupError, AttributeError, yaml.YAMLError) as error:  # they trust what the tag says
        said = f" ({error})" if isinstance(error, ValueError) else ""
        quote = "; quote it if it is text" if implicit else ""
        raise NotPlain(f"{text[:40]!r} is no {short_tag(tag).removeprefix('!!')}{said}{quote}") from error


def short_tag(tag: str) -> str:
    return "!!" + tag.removeprefix("tag:yaml.org,2002:") if tag.startswith("tag:yaml.org,2002:") else tag
