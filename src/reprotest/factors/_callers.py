"""Who asks: the user's code, a library, or the standard library's own machinery."""

from __future__ import annotations

import os
import sys
from collections.abc import Set
from types import CodeType, FrameType
from typing import Literal

from reprotest.factors.base import Inside

urandom = os.urandom
"""The system's own, kept before it is replaced."""

_STDLIB = tuple(
    {os.path.dirname(os.path.abspath(path)) + os.sep for path in (os.__file__, os.path.realpath(os.__file__))}
)
_PACKAGES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_MOST_CODES = 10_000

Asker = Literal["user", "library", "machinery"]


def asker(inside: Inside, through: Set[str] = frozenset(), depth: int = 2) -> Asker:
    """Whose code asked for a value, found by walking out from the frame `depth` frames up.

    Args:
        inside: knows the user's files.
        through: modules that only hand a value on (uuid hands on entropy): whoever called them asks.
        depth: 2 is the caller of the function that calls this.
    """
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        handed_on = name in through or name.partition(".")[0] in through
        if not handed_on and not frame.f_code.co_filename.startswith((_OURS, "<frozen ")):
            if inside.caller_is_user(depth + 1):
                return "user"
            return "machinery" if is_stdlib(frame) else "library"
        frame = frame.f_back
        depth += 1
    return "machinery"


class DirectCallers:
    """Tells in a fraction of a microsecond whether the user's code calls a wrapper, and from where. For clocks and the like."""

    def __init__(self, inside: Inside, through: Set[str] = frozenset()) -> None:
        self._inside = inside
        self._through = through
        self._known: dict[int, tuple[CodeType, dict[int, str | None] | None, bool]] = {}

    def site(self, depth: int) -> tuple[bool, str | None]:
        """(does the user's code ask?, its line). `depth` 2 is the caller of the function that calls this."""
        frame = sys._getframe(depth)
        code = frame.f_code
        known = self._known.get(id(code))  # code objects are slow to hash; the entry keeps this one alive
        if known is None:
            if len(self._known) >= _MOST_CODES:
                self._known.clear()
            name = str(frame.f_globals.get("__name__", ""))
            hands_on = name in self._through or name.partition(".")[0] in self._through
            lines: dict[int, str | None] | None = {} if self._inside.caller_is_user(depth + 1) else None
            known = self._known[id(code)] = (code, lines, hands_on)
        _, sites, hands_on = known
        if sites is not None:
            where = frame.f_lasti
            site = sites.get(where)
            if site is None:
                site = sites[where] = self._inside.site()
            return True, site
        if not hands_on or asker(self._inside, self._through, depth + 1) != "user":
            return False, None
        if library_import(self._inside, depth + 1):
            return False, None
        return True, self._inside.site()


def library_import(inside: Inside, depth: int = 2) -> Literal["module", "function"] | None:
    """Does a library ask while it is being imported, and does its module itself ask, or a function that it calls?

    What libraries draw then (an id, an example in a docstring) stays with them, and the user's line would be the import.
    """
    frame: FrameType | None = sys._getframe(depth)
    where: Literal["module", "function"] | None = None
    while frame is not None and not inside.caller_is_user(depth + 1):
        path = frame.f_code.co_filename
        if path == "<frozen importlib._bootstrap>":
            return where or "module"
        if where is None and not path.startswith(_OURS) and not is_stdlib(frame):
            where = "module" if frame.f_code.co_name == "<module>" else "function"
        frame = frame.f_back
        depth += 1
    return None


def is_stdlib(frame: FrameType) -> bool:
    """Is this frame's code part of Python itself?"""
    path = frame.f_code.co_filename
    return path.startswith(_STDLIB) and not any(part in path for part in _PACKAGES)
