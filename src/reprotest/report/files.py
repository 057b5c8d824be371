"""Writes what a presenter has made: whole or not at all, and asked before an hour of runs whether it can be."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from reprotest.errors import UsageError


def check_target(option: str, target: str) -> None:
    """Can it be written there? `option` is named in the message.

    Raises:
        UsageError: it can not.
    """
    if target == "-":
        return
    path = Path(target)
    if path.is_dir():
        raise UsageError(f"{option} {target} is a folder: give the name of a file in it, or - for standard output")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{option} {target}: there is no folder {path.parent}: make it first")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise UsageError(f"{option} {target} cannot be written: give write access or another name")


def write_text(option: str, target: str, text: str) -> None:
    """Write to a file, whole or not at all, or to standard output ("-").

    Raises:
        UsageError: the file cannot be written.
    """
    if target == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    path = Path(target).absolute()
    try:
        if path.exists() and not path.is_file():  # /dev/stderr, a named pipe
            path.write_text(text, encoding="utf-8")
            return
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
        os.chmod(file.name, 0o666 & ~_umask())
        os.replace(file.name, path)
    except OSError as error:
        raise UsageError(f"{option} {target} cannot be written: {error.strerror or error}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
