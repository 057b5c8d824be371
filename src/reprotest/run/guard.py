"""No process of a run outlives reprotest, even when reprotest is killed with SIGKILL and can do nothing about it itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PROGRAM = str(Path(__file__).with_name("_guard.py"))


@contextmanager
def guarded(mark: str) -> Iterator[None]:
    """Should this process die in the meantime, all processes with `mark` ("NAME=value") in their environment are killed.

    Likewise when the context is left by an exception: an interrupt may come while a process is being started that nobody holds yet.

    Costs a small process of its own, which starts while the command does. Where it cannot be started, nothing is guarded.
    """
    if not sys.platform.startswith("linux"):
        yield
        return
    try:
        guard = subprocess.Popen(
            [sys.executable, "-I", "-S", _PROGRAM, mark],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        yield
        return
    assert guard.stdin is not None
    try:
        yield
        with suppress(OSError):
            guard.stdin.write(b".")  # all is well
            guard.stdin.flush()
    finally:
        with suppress(OSError):
            guard.stdin.close()
        guard.wait()
