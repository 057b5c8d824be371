"""What happens when reprotest itself is wrong: a short message, and the traceback in a file."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from reprotest.errors import ReprotestError
from reprotest.secrets import mask_command, mask_text
from reprotest.version import version


def save(error: Exception) -> str:
    """Save the traceback in the store, or where temporary files go. Returns what to tell the user."""
    text = (
        f"reprotest {version()}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{' '.join(mask_command(sys.argv))}\n\n{mask_text(''.join(traceback.format_exception(error)))}"
    )
    name = f"error-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.txt"
    said = (
        f"internal error: {type(error).__name__}: {mask_text(str(error))}\n"
        "This is a mistake of reprotest, not of your program."
    )
    for folder in (_store(), Path(tempfile.gettempdir())):
        if folder is None:
            continue
        try:
            file = folder / name
            file.write_text(text, encoding="utf-8", errors="replace")
        except OSError:
            continue
        return f"{said} Please report it with the traceback in {file}"
    return f"{said} Its traceback could not be saved:\n{text}"


def _store() -> Path | None:
    try:
        from reprotest.run.store import Store

        return Store.at(os.getcwd()).root
    except (OSError, ReprotestError):
        return None
