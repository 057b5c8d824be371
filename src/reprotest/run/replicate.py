"""One run of the command under test: a fresh process with some factors held, its record, and how it ended."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from reprotest.errors import CommandError, StorageError
from reprotest.factors import Launch, Setting, factor
from reprotest.factors.base import SCRATCH
from reprotest.factors.environment import NOISE
from reprotest.probe.environment import HIDDEN
from reprotest.probe.plan import Plan
from reprotest.record.files import write_whole
from reprotest.result import Difference
from reprotest.run.command import Command
from reprotest.run.guard import guarded
from reprotest.run.launcher import Supervisor, prepare
from reprotest.run.own_frames import without_own_frames
from reprotest.run.processes import end_group, kill_group

_LINGERING = 30.0
"""Seconds from the first process that stopped as planned, after which the others are ended, too."""
_BOOTSTRAP = Path(__file__).parent.parent / "probe" / "bootstrap"
_POLL = 0.025
"""Seconds between two looks at a live run's record."""

Follow = Callable[[Path], Difference | None]
"""Called while a run goes on, with its folder. A difference ends the run: nobody needs more of it."""


class Ended(StrEnum):
    """Why a run is over."""

    FINISHED = "finished"
    STOPPED = "stopped"
    """After the last step that was asked for."""
    MISMATCH = "mismatch"
    """It differs from the run that it was compared with in lockstep."""
    TIMEOUT = "timeout"


@dataclass(frozen=True)
class Replica:
    """One finished run.

    Attributes:
        run_dir: its folder.
        ended: why it is over.
        exit_code: of the command; None when we ended it. Negative: the signal that killed it.
        seconds: wall time.
        difference: what ended it early, for MISMATCH.
    """

    run_dir: Path
    ended: Ended
    exit_code: int | None
    seconds: float
    difference: Difference | None = None

    @property
    def failed(self) -> bool:
        """Did the command itself fail?"""
        return self.ended is Ended.FINISHED and self.exit_code != 0

    def stderr_tail(self, lines: int = 15) -> str:
        """The last lines that the command wrote to standard error (at most 16 KiB), without our frames in its tracebacks."""
        try:
            with open(self.run_dir / "stderr.txt", "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 16384))
                text = file.read().decode(errors="replace")
                return "\n".join(without_own_frames(text).splitlines()[-lines:])
        except OSError:
            return ""


def merged_launch(settings: Mapping[str, Setting]) -> Launch:
    """What the process needs before it starts, of all held factors together."""
    env: dict[str, str | None] = {}
    whole = Launch()
    for factor_id, setting in settings.items():
        one = factor(factor_id).launch(setting)
        env.update(one.env)
        whole = replace(
            whole,
            fixed_addresses=whole.fixed_addresses or one.fixed_addresses,
            shift_addresses=whole.shift_addresses or one.shift_addresses,
            umask=one.umask if one.umask is not None else whole.umask,
            getrandom_seed=one.getrandom_seed if one.getrandom_seed is not None else whole.getrandom_seed,
        )
    return replace(whole, env=env)


def child_environment(plan_path: Path, launch: Launch, extra: Mapping[str, str | None]) -> dict[str, str]:
    """The environment of the command: ours, the way in for the probes, and what the held factors need."""
    given = {**os.environ, **extra}
    env = {name: value for name, value in given.items() if value is not None}
    env.pop("REPROTEST_PARENT", None)
    env["REPROTEST_PLAN"] = str(plan_path)
    env["PYTHONPATH"] = os.pathsep.join(part for part in (str(_BOOTSTRAP), env.get("PYTHONPATH")) if part)
    scratch = str(scratch_of(plan_path.parent))
    for name, value in launch.env.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value.replace(SCRATCH, scratch)
    env[HIDDEN] = ",".join(sorted(name for name in env if name not in os.environ and name not in (HIDDEN, NOISE)))
    return env


def scratch_of(run_dir: Path) -> Path:
    """The folder for what variations need on disk, one for all runs of a store: `.reprotest/scratch`."""
    return run_dir.parent.parent / "scratch"


def _make_scratch(run_dir: Path, launch: Launch) -> None:
    if any(value is not None and SCRATCH in value for value in launch.env.values()):
        (scratch_of(run_dir) / "home").mkdir(parents=True, exist_ok=True)


def replicate(
    command: Command,
    plan: Plan,
    *,
    env: Mapping[str, str | None] | None = None,
    timeout: float | None = None,
    follow: Follow | None = None,
    manifest: Callable[[], Mapping[str, Any]] | None = None,
) -> Replica:
    """Run the command once, in a fresh process, as the plan says.

    Args:
        command: what to run.
        plan: how; `plan.run_dir` exists already.
        env: more variables for its environment; None removes one.
        timeout: seconds after which the run is ended.
        follow: looks at the record as it grows; may end the run.
        manifest: what to leave in the record about the machine; asked for while the command starts.

    Raises:
        CommandError: the program could not be started.
        StorageError: the run's folder could not be written.
        KeyboardInterrupt: handed on after every process of the run was ended.
    """
    run_dir = Path(plan.run_dir)
    plan_path = run_dir / "plan.json"
    launch = merged_launch(plan.factors)
    environment = child_environment(plan_path, launch, env or {})
    mark = f"REPROTEST_PLAN={plan_path}".encode()
    try:
        _make_scratch(run_dir, launch)
        plan.write(plan_path)
    except OSError as error:
        raise StorageError(f"cannot write {plan_path}: {error.strerror or error}; make room on this disk") from error
    with ExitStack() as stack:
        stack.enter_context(guarded(os.fsdecode(mark)))
        supervisor = stack.enter_context(Supervisor(launch, run_dir))
        out = stack.enter_context(open(run_dir / "stdout.txt", "wb"))
        err = stack.enter_context(open(run_dir / "stderr.txt", "wb"))
        start = time.monotonic()
        try:
            process = subprocess.Popen(
                prepare(launch, list(command.argv), supervisor),
                cwd=command.cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                umask=-1 if launch.umask is None else launch.umask,
            )
        except OSError as error:
            raise CommandError(f"cannot start {command.argv[0]}: {error.strerror or error}") from error
        try:
            if manifest is not None:
                _leave(run_dir / "manifest.json", manifest())
            ended, difference = _wait(process, run_dir, start, timeout, follow)
        except BaseException:
            end_group(process, mark)
            raise
        if ended is Ended.FINISHED:
            kill_group(process.pid, mark)  # what the program left running is not part of the run
        else:
            end_group(process, mark, grace=0.5)
    seconds = time.monotonic() - start
    if ended is Ended.FINISHED and (run_dir / "stopped").exists():
        ended = Ended.STOPPED
    exit_code = process.returncode if ended is Ended.FINISHED else None
    _leave(run_dir / "exit.json", {"ended": ended, "exit_code": exit_code, "seconds": round(seconds, 3)})
    return Replica(run_dir, ended, exit_code, seconds, difference)


def _leave(path: Path, document: Mapping[str, Any]) -> None:
    try:
        write_whole(path, json.dumps(document, indent=1))
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}; make room on this disk") from error


def _wait(
    process: subprocess.Popen[bytes], run_dir: Path, start: float, timeout: float | None, follow: Follow | None
) -> tuple[Ended, Difference | None]:
    with selectors.DefaultSelector() as selector:
        pidfd = os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else None
        try:
            if pidfd is not None:
                selector.register(pidfd, selectors.EVENT_READ)  # wakes at the very end of the process
            while process.poll() is None:
                if _lingers(run_dir):
                    return Ended.STOPPED, None
                if timeout is not None and time.monotonic() - start > timeout:
                    return Ended.TIMEOUT, None
                difference = follow(run_dir) if follow is not None else None
                if difference is not None:
                    return Ended.MISMATCH, difference
                if pidfd is not None:
                    selector.select(_POLL)
                else:
                    time.sleep(_POLL)
        finally:
            if pidfd is not None:
                os.close(pidfd)
    difference = follow(run_dir) if follow is not None else None  # what was written last
    return (Ended.MISMATCH, difference) if difference is not None else (Ended.FINISHED, None)


def _lingers(run_dir: Path) -> bool:
    """Has a process been at its end for so long that it will not come to it by itself?"""
    try:
        return time.time() - (run_dir / "stopped").stat().st_mtime > _LINGERING
    except OSError:  # none has stopped
        return False


def describe_exit(code: int | None) -> str:
    """An exit code in words."""
    if code is None:
        return "was ended"
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        why = " (out of memory, perhaps)" if name == "SIGKILL" else ""
        return f"was killed by {name}{why}"
    return f"exited with code {code}"
