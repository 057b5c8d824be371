"""Ends every process of a run, also those that left its process group."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_GRACE = 3.0
"""Seconds between asking a run to end and killing it."""


def marked(mark: bytes) -> list[int]:
    """Ids of all live processes whose environment holds `mark` (a "NAME=value" pair): a run's, wherever they daemonised to."""
    found: list[int] = []
    if not os.path.isdir("/proc/self"):  # not Linux: the process group has to do
        return found
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environ = Path(entry.path, "environ").read_bytes()
            if mark in environ.split(b"\0") and _state(entry.path) != "Z":
                found.append(int(entry.name))
        except (OSError, IndexError):
            continue
    return found


def started(pid: int) -> str:
    """When a process began, so that its number is not taken for another's; empty where it has ended."""
    if sys.platform != "linux":
        try:
            os.kill(pid, 0)
        except OSError:
            return ""
        return "running"
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return "" if fields[0] == b"Z" else fields[19].decode()
    except OSError:
        return ""


def _state(process: str) -> str:
    return Path(process, "stat").read_text(errors="replace").rpartition(")")[2].split()[0]


def end_group(process: subprocess.Popen[bytes], mark: bytes, *, grace: float = _GRACE) -> None:
    """Ask the process, its group and all marked processes to end, then kill what is left. The process is reaped."""
    _signal_all(process.pid, mark, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline:
        if process.poll() is not None and not marked(mark):
            break
        time.sleep(0.02)
    kill_group(process.pid, mark)
    process.wait()


def kill_group(group: int, mark: bytes) -> None:
    """Kill the process group and all marked processes at once."""
    for _ in range(20):  # a process may fork while it is being looked for
        _signal_all(group, mark, signal.SIGKILL)
        if not marked(mark):
            return
        time.sleep(0.01)


def kill_marked(mark: bytes) -> None:
    """Kill all marked processes at once."""
    for _ in range(20):
        for pid in marked(mark):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not marked(mark):
            return
        time.sleep(0.01)


def _signal_all(group: int, mark: bytes, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
    for pid in marked(mark):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
