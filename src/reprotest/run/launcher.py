"""What must be true of a process before it starts: fixed addresses, entropy from a stream.

`prepare` puts a small program before the command (`_exec.py`, about 15 ms), which prepares its own process and then becomes the command.
Environment variables are not its business: the parent hands the new process its environment.
"""

from __future__ import annotations

import sys
from pathlib import Path

from reprotest.factors.base import Launch
from reprotest.run.getrandom import Supervisor

__all__ = ["Supervisor", "prepare"]

_PROGRAM = str(Path(__file__).with_name("_exec.py"))


def prepare(launch: Launch, argv: list[str], supervisor: Supervisor | None = None) -> list[str]:
    """The arguments with which to start `argv` as `launch` says.

    Args:
        launch: what the process needs; when it needs nothing, `argv` itself is returned.
        argv: program and arguments; a program without a slash is looked up in the PATH of the new process.
        supervisor: entered already; answers getrandom(2) and collects what the system refused. None: neither is done.
    """
    options: list[str] = []
    if launch.fixed_addresses:
        options += ["addresses=fixed", f"shift={launch.shift_addresses}"]
    if launch.getrandom_seed is not None and supervisor is not None and supervisor.address:
        options.append(f"getrandom={supervisor.address}")
    if not options or not sys.platform.startswith("linux"):
        return argv
    if supervisor is not None:
        options.append(f"notes={supervisor.refusals}")
    else:
        options.append("notes=/dev/null")
    return [sys.executable, "-I", "-S", _PROGRAM, *options, "--", *argv]
