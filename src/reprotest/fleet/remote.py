"""What happens on a worker: one run of the command in a fresh process there, and its record packed to travel."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

MARK = "REPROTEST_FLEET"
"""Environment variable that holds the name of the fleet's run: every process of it can be found and ended."""
MOST_BYTES = 64 << 20
"""A larger record stays where it was made."""


def look(cwd: str) -> dict[str, Any]:
    """Where this worker would run the command: the fields of `fleet.turns.Place`."""
    from dataclasses import asdict

    from reprotest.fleet.turns import place

    return asdict(place(cwd))


def replica(job: Mapping[str, Any]) -> dict[str, Any]:
    """Run a command once on this host.

    Args:
        job: "fleet" (its name), "words" (a leading "--" included), "cwd" (must exist here too), "steps", "timeout".

    Returns:
        "host", "pid", and either "failed" (why, in words) or "outcome", "name" and "files" of the sealed record (None where it is too
        large), "seconds", "left" (paths that it left behind).
    """
    from reprotest.compare.outcome import to_json
    from reprotest.diagnose.laboratory import Laboratory
    from reprotest.errors import ReprotestError
    from reprotest.factors._kept import VARIABLE
    from reprotest.fleet.turns import left_behind
    from reprotest.lock.runs import run_once
    from reprotest.options import ignore
    from reprotest.run.command import parse_command
    from reprotest.run.guardian import guarded
    from reprotest.run.state import State
    from reprotest.run.store import Store

    words: Sequence[str] = job["words"]
    here: dict[str, Any] = {"host": socket.gethostname(), "pid": os.getpid()}
    if not os.path.isdir(job["cwd"]):
        return {**here, "failed": f"there is no folder {job['cwd']} on this host: share it, or copy the project there"}
    folder = Path(tempfile.mkdtemp(prefix="reprotest-fleet-"))
    try:
        program = words[0] == "--"
        command = parse_command(words[1:] if program else words, program=program, cwd=job["cwd"])
        store = Store(folder)
        (folder / "runs").mkdir()
        # Should this worker be killed, the run is ended and what it has made is removed all the same.
        with State(folder) as state, guarded(folder, f"{VARIABLE}={state.env.get(VARIABLE, '')}", [folder]):
            lab = Laboratory(command, store, state, ignore, env={MARK: job["fleet"]})
            done = run_once(lab, job["steps"], job["timeout"])
            lab.seal()
            if done.outcome is None:
                return {**here, "failed": done.failed}
            run_dir = done.trial.replica.run_dir
            return {
                **here,
                "outcome": to_json(done.outcome),
                "name": run_dir.name,
                "files": _packed(run_dir),
                "seconds": done.trial.seconds,
                "platform": done.platform,
                "left": left_behind(done.trial.record),
            }
    except ReprotestError as error:
        return {**here, "failed": str(error)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def end(fleet: str) -> None:
    """Kill what is left of a fleet's run on this host."""
    from reprotest.run.processes import marked

    for pid in marked(f"{MARK}={fleet}".encode()):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _packed(folder: Path) -> dict[str, bytes] | None:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    if sum(path.stat().st_size for path in paths) > MOST_BYTES:
        return None
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}
