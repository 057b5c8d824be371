"""YAML that reads back as it was: text that our reading of YAML would take for a number is quoted."""

from __future__ import annotations

import re

import yaml

from reprotest.config.scalar import EXPONENT, OCTAL


class Dumper(yaml.SafeDumper):
    """SafeDumper that never writes anchors, and knows the numbers that `scalar.read` knows besides PyYAML's."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: Dumper, text: str) -> yaml.ScalarNode:
    style = '"' if _BREAKS & set(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


def _whole(pattern: re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(f"(?:{pattern.pattern})$")


_BREAKS = frozenset("\x85\u2028\u2029")
"""Line breaks of YAML 1.1 that PyYAML writes as they are between single quotes, where a reader folds them."""
Dumper.add_representer(str, _text)

_STARTS = list("+-.0123456789")
Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _whole(EXPONENT), _STARTS)
Dumper.add_implicit_resolver("tag:yaml.org,2002:int", _whole(OCTAL), _STARTS)
Dumper.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?0[0-9_]+$"), _STARTS)
