"""What somebody may have meant by a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST = 12
"""Longer lists help nobody."""
_COMPARED = 1_000
_LONGEST = 100
"""Comparing more, or longer names, would take longer than reading the file."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a sentence: `did you mean learning_rate?`, or what there is to choose from."""
    names = sorted(set(known))
    near = difflib.get_close_matches(name[:_LONGEST], names, n=1) if len(names) <= _COMPARED else []
    if near:
        return f"did you mean {near[0]}?"
    if not names:
        return "there are none here"
    shown = names if len(names) <= _MOST else [*names[:_MOST], "…"]
    return f"known keys are {', '.join(shown)}"
