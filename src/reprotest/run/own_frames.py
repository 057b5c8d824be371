"""Takes our own frames out of a program's tracebacks: the user knows nothing of them, and cannot change them."""

from __future__ import annotations

import os
import re

_HERE = re.escape(os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep)
_FRAME = re.compile(rf'^  File "{_HERE}[^"\n]*", line \d+, in [^\n]*\n(?:    [^\n]*(?:\n|$))*', re.MULTILINE)


def without_own_frames(text: str) -> str:
    """The text, in which no entry of a traceback is one of this package. Everything else stays as it is."""
    return _FRAME.sub("", text)
