"""Which paths a .gitignore would ignore (gitignore(5)), told without git and without the files being there."""

from __future__ import annotations

import re
from functools import cached_property


class IgnoreFile:
    """The rules of one ignore file at a repository's root."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _rules(self) -> list[tuple[bool, re.Pattern[str]]]:
        rules = []
        for line in self.text.splitlines():
            rule = line.rstrip()
            if not rule or rule.startswith("#"):
                continue
            negated = rule.startswith("!")
            rules.append((not negated, _pattern(rule[negated:])))
        return rules

    def ignores(self, path: str) -> bool:
        """Is the file, or a folder above it, ignored? The last rule that matches decides."""
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            name = "/".join(parts[:count]) + ("/" if count < len(parts) else "")
            found = False
            for ignored, pattern in self._rules:
                if pattern.match(name):
                    found = ignored
            if found:
                return True
        return False


def _pattern(rule: str) -> re.Pattern[str]:
    folder = rule.endswith("/")
    body = rule.strip("/")
    anchored = "/" in body or rule.startswith("/")
    out, at = "", 0
    while at < len(body):
        if body.startswith("**/", at):
            out, at = out + "(?:.*/)?", at + 3
        elif body.startswith("**", at):
            out, at = out + ".*", at + 2
        elif body[at] == "*":
            out, at = out + "[^/]*", at + 1
        elif body[at] == "?":
            out, at = out + "[^/]", at + 1
        elif body[at] == "[" and (end := body.find("]", at + 2)) > 0:
            out, at = out + body[at : end + 1].replace("[!", "[^"), end + 1
        else:
            out, at = out + re.escape(body[at]), at + 1
    try:
        return re.compile(("" if anchored else "(?:.*/)?") + out + ("/$" if folder else "/?$"))
    except re.error:  # a bracket that means nothing to us: no rule
        return re.compile(r"(?!)")
