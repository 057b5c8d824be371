"""Starting the interpreter anew with a fixed seed of hash(), which cannot be set from inside."""

from __future__ import annotations

import builtins
import multiprocessing
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from reprotest.factors.python_hash import seed_in_force

_MARK = "REPROTEST_RELAUNCHED"
"""The process that was started anew. Its children inherit the variable, but not the number."""


def relaunch(seed: int) -> str | None:
    """Replace this process by the same command with PYTHONHASHSEED set to the seed; return only where there is no need or no way.

    Returns:
        None: hash() is fixed already. Otherwise a sentence that says why it stays as it is.
    """
    if seed_in_force() is not None:
        return None
    why = _refusal()
    if why is not None:
        return f"hash() of text, and so the order of sets: Python was not started anew, as {why}"
    _start_anew(seed)


def _start_anew(seed: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    variables = {**os.environ, "PYTHONHASHSEED": str(seed), _MARK: str(os.getpid())}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], variables)


def _refusal() -> str | None:
    """Why this process cannot be replaced by the same command; None when it can."""
    advice = "set PYTHONHASHSEED before the start"
    if os.environ.get(_MARK) == str(os.getpid()):
        return "it has been, and something removed PYTHONHASHSEED again"
    if sys.flags.ignore_environment:
        return "it runs with -E or -I and would not read PYTHONHASHSEED"
    if hasattr(builtins, "__IPYTHON__") or hasattr(sys, "ps1") or sys.flags.interactive or sys.flags.inspect:
        return f"this is a notebook or an interactive session: {advice} of its kernel"
    if multiprocessing.parent_process() is not None:
        return "this is a worker process: call set_seed in the main one, whose PYTHONHASHSEED its workers inherit"
    if "PYTEST_CURRENT_TEST" in os.environ:
        return f"a test is running: {advice} of pytest"
    if threading.current_thread() is not threading.main_thread() or threading.active_count() > 1:
        return f"other threads are running, which would be lost: call set_seed first of all, or {advice}"
    if not sys.executable or len(sys.orig_argv) < 2 or sys.argv[:1] in ([""], ["-"]):
        return f"the program does not come from a file, -m or -c: {advice}"
    if not _same_directory(sys.orig_argv):
        return f"the working directory was changed since the start: call set_seed before that, or {advice}"
    return None


def _same_directory(words: Sequence[str]) -> bool:
    """Would the command find what it found before? A script's path, and where -m looks, may be relative to where it was started."""
    how, name = _started_by(words)
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if how == "-c" or main is None:
        return True
    if how == "-m":
        return bool(sys.flags.safe_path) or os.getcwd() in sys.path  # the entry that -m puts there
    path = Path(name)
    return path.is_absolute() or (
        path.exists() and path.resolve() in (Path(main).resolve(), Path(main).resolve().parent)
    )


def _started_by(words: Sequence[str]) -> tuple[str, str]:
    """How Python was told what to run: ("-c", code), ("-m", module) or ("", path)."""
    rest = iter(words[1:])
    for word in rest:
        if word in ("-W", "-X", "--check-hash-based-pycs"):
            next(rest, "")
        elif not word.startswith("-") or word == "-":
            return "", word
        elif not word.startswith("--"):
            for at, letter in enumerate(word[1:], start=2):
                if letter in "cm":
                    return f"-{letter}", word[at:] or next(rest, "")
                if letter in "WX":
                    break
    return "", ""
