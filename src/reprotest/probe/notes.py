"""What a process says beside its events: which factors it used and where, and sentences for the report."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from typing import Any

_WRITE_EVERY = 1.0
"""Seconds between two writes while the program runs: a process that is killed loses no more than this."""


class Notes:
    """Counts uses per factor and call site; written as one small JSON file, replaced atomically."""

    def __init__(self, path: str, facts: Callable[[], dict[str, Any]]) -> None:
        self._path = path
        self._facts = facts
        self._factors: dict[str, dict[str, int]] = {}
        self._sentences: dict[str, None] = {}
        self._extra: dict[str, Any] = {}
        self._dirty = True
        self._written = 0.0
        self._monotonic = time.monotonic  # the real clock, taken before any factor replaces it

    def used(self, factor_id: str, site: str | None, calls: int) -> bool:
        """Count a use. Returns whether it is the first of this factor at this site."""
        sites = self._factors.setdefault(factor_id, {})
        key = site or ""
        is_new = key not in sites
        sites[key] = sites.get(key, 0) + calls
        self._dirty = True
        return is_new

    def say(self, sentence: str) -> None:
        self._sentences.setdefault(sentence)
        self._dirty = True

    def put(self, key: str, value: Any) -> None:
        """Attach plain data under a key of its own (a factor's observations)."""
        self._extra[key] = value
        self._dirty = True

    def write(self, *, now: bool = True) -> None:
        """Write what has changed; with now=False only once in a while."""
        if not self._dirty or (not now and self._monotonic() - self._written < _WRITE_EVERY):
            return
        self._dirty = False
        self._written = self._monotonic()
        document = {
            **self._facts(),
            "factors": {k: dict(v) for k, v in list(self._factors.items())},
            "notes": list(self._sentences),
            "extra": dict(self._extra),
        }
        temporary = f"{self._path}.{os.getpid()}.{threading.get_ident()}"
        try:
            with open(temporary, "w", encoding="utf-8") as file:
                json.dump(document, file)
            os.replace(temporary, self._path)
        except (OSError, TypeError, ValueError, RuntimeError):
            self._dirty = True
