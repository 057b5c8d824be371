"""Results as JSON documents for other programs (docs/json.md describes them, docs/schema/ holds their schemas)."""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from reprotest.errors import UsageError
from reprotest.report.presentable import presentable
from reprotest.result import RunReport


def document(report: RunReport) -> dict[str, Any]:
    """The document of one `run` (schema reprotest.run/1): without secrets, and strictly JSON."""
    finite: dict[str, Any] = _finite(presentable(report).to_json())
    return finite


def _finite(value: Any) -> Any:
    """NaN and infinities have no place in JSON: they become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def check_target(target: str) -> None:
    """Can the document be written there? Asked before an hour of runs, not after.

    Raises:
        UsageError: it can not.
    """
    if target == "-":
        return
    path = Path(target)
    if path.is_dir():
        raise UsageError(f"--json {target} is a folder: give the name of a file in it, or - for standard output")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--json {target}: there is no folder {path.parent}: make it first")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise UsageError(f"--json {target} cannot be written: give write access or another name")


def write(content: dict[str, Any], target: str) -> None:
    """Write a document to a file, whole or not at all, or to standard output ("-").

    Raises:
        UsageError: the file cannot be written.
    """
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"  # ASCII: safe in any encoding
    if target == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    path = Path(target).absolute()
    try:
        if path.exists() and not path.is_file():  # /dev/stderr, a named pipe
            path.write_text(text)
            return
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="ascii"
        ) as file:
            file.write(text)
        os.chmod(file.name, 0o666 & ~_umask())
        os.replace(file.name, path)
    except OSError as error:
        raise UsageError(f"--json {target} cannot be written: {error.strerror or error}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
