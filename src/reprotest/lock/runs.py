"""One run of an experiment, as `lock` and `verify` need it: the command once more, nothing held, its record finished."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reprotest.compare.outcome import Outcome, outcome
from reprotest.compare.platform import Platform, platform
from reprotest.diagnose.laboratory import Course, Laboratory, Settings, Trial
from reprotest.diagnose.session import as_first
from reprotest.errors import UsageError
from reprotest.lock.file import Locked
from reprotest.options import OnEvent
from reprotest.run.command import Command, parse_command
from reprotest.run.replicate import Ended, describe_exit
from reprotest.run.state import State
from reprotest.run.store import Store, full_disk_said


@dataclass(frozen=True)
class Done:
    """A run with what came out of it. `failed`: why there is nothing to compare, in words."""

    trial: Trial
    outcome: Outcome | None
    platform: Platform
    failed: str | None


def command_of(name: str, locked: Locked, root: Path) -> Command:
    """The command of a locked experiment. Raises UsageError, CommandError."""
    folder = (root / locked.directory).resolve()
    if not folder.is_relative_to(root.resolve()) or not folder.is_dir():
        raise UsageError(f"experiment {name}: there is no folder {locked.directory} in {root}; lock it again")
    program = locked.command[0] == "--"
    return parse_command(locked.command[1:] if program else locked.command, program=program, cwd=str(folder))


@contextmanager
def laboratory(command: Command, on_event: OnEvent) -> Iterator[Laboratory]:
    """A place to run the command; in the end the records of all runs are sealed that were not discarded."""
    store = Store.at(command.cwd)
    with full_disk_said(store), State(store.root) as state:
        lab = Laboratory(command, store, state, on_event)
        try:
            yield lab
        finally:
            lab.seal()


def run_once(lab: Laboratory, steps: int | None, timeout: float | None, settings: Settings | None = None) -> Done:
    """Run the command to where the lock compares. `settings`: factors to hold; none by default, as in a first run of `run`."""
    course = Course(stop_after_step=None if steps is None else steps - 1)
    trial = lab.run(as_first() if settings is None else {**as_first(), **settings}, course, timeout=timeout)
    replica = trial.replica
    if replica.ended is Ended.TIMEOUT:
        return Done(trial, None, {}, f"it took longer than {timeout:g} s and was ended: give a longer --timeout")
    if replica.failed:
        tail = replica.stderr_tail(5).strip()
        return Done(trial, None, {}, f"the command {describe_exit(replica.exit_code)}" + (f":\n{tail}" if tail else ""))
    return Done(trial, outcome(trial.record), platform(trial.record), None)
