"""Carries out runs for the diagnosis: a fresh process with these factors held, followed in lockstep, its record opened."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from reprotest import manifest
from reprotest.compare import Lockstep, first_difference, output_difference
from reprotest.compare.outcome import RESULT, outcome, to_json
from reprotest.diagnose.temporary import clear_away
from reprotest.errors import RecordError
from reprotest.factors import Setting
from reprotest.options import OnEvent, StepReached
from reprotest.probe.plan import Plan
from reprotest.record import Record, open_record
from reprotest.record.files import write_whole
from reprotest.record.seal import seal
from reprotest.result import Difference
from reprotest.run.command import Command
from reprotest.run.replicate import Ended, Replica, replicate
from reprotest.run.state import State
from reprotest.run.store import OWNER, Store
from reprotest.secrets import mask_command

Settings = Mapping[str, Setting]

_AS_REPEATED = frozenset({"file.order"})
"""What is held in the repeated runs: what those leave behind is the user's, as it would be without us."""


@dataclass(frozen=True)
class Course:
    """How far a run goes, how finely it is observed, and what `resume` does inside it.

    Attributes:
        stream: compare only this process or thread; None: all of them.
    """

    level: str = "steps"
    window: tuple[int, int] | None = None
    values: bool = False
    keep: tuple[int, ...] = ()
    stop_after_step: int | None = None
    resume: dict[str, Any] | None = None
    stream: str | None = None


@dataclass(frozen=True)
class Trial:
    """One run and, when it was compared with another, what differed first."""

    replica: Replica
    record: Record
    difference: Difference | None = None

    @property
    def seconds(self) -> float:
        return self.replica.seconds

    @property
    def usable(self) -> bool:
        """Did it get as far as it was meant to, or differ before?"""
        return self.replica.ended is not Ended.TIMEOUT and not (self.replica.failed and self.difference is None)

    def shown(self, folder: str | Path) -> str:
        """The run's own folder as reports show it: seen from that folder where it lies below."""
        run_dir = self.replica.run_dir
        return str(run_dir.relative_to(folder) if run_dir.is_relative_to(folder) else run_dir)


class Laboratory:
    """Runs one command again and again under changing conditions and keeps the folders of these runs in order."""

    def __init__(
        self,
        command: Command,
        store: Store,
        state: State,
        on_event: OnEvent,
        readings: Mapping[str, Mapping[str, Any]] | None = None,
        env: Mapping[str, str | None] | None = None,
    ) -> None:
        """Make ready; nothing is run yet.

        Args:
            command, store, state, on_event: what to run, where its records go, its files, who is told.
            readings: of factors for which the manifest is to say this instead of what is read in the present folder.
            env: environment variables for all runs.
        """
        self.command = command
        self.state = state
        self.on_event = on_event
        self.trials: list[Trial] = []
        self._store = store
        self._readings = dict(readings or {})
        self._env = dict(env or {})

    def run(
        self,
        settings: Settings,
        course: Course,
        *,
        reference: Record | None = None,
        output: bool = False,
        timeout: float | None = None,
        env: Mapping[str, str | None] | None = None,
    ) -> Trial:
        """Run the command once.

        Args:
            settings: the factors that are held; all others are free.
            course: how far and how finely.
            reference: compare with this record while running, and end at the first mismatch.
            output: nothing but the output can be compared.
            timeout: seconds.
            env: more environment variables; None removes one.
        """
        run_dir = self._store.new_run()
        plan = Plan(
            run_dir=str(run_dir),
            cwd=self.command.cwd,
            level=course.level,
            window=course.window,
            values=course.values,
            keep=course.keep,
            stop_after_step=course.stop_after_step,
            resume=course.resume,
            factors=dict(settings),
        )
        follower = _Follower(reference if not output else None, self.on_event, course.stream)
        self.state.hold(settings.get("external.state"))
        started = time.time()
        replica = replicate(
            self.command,
            plan,
            env={**self.state.env, **self._env, **(env or {})},
            timeout=timeout,
            follow=follower,
            manifest=lambda: {**self._manifest, "started": datetime.now(UTC).isoformat(timespec="seconds")},
        )
        record = open_record(run_dir)
        if replica.ended is not Ended.FINISHED:
            self.state.cut()
        is_experiment = bool(settings.keys() - _AS_REPEATED) or course.level != "steps"
        if is_experiment or replica.ended is not Ended.FINISHED:
            clear_away(record, started, everything=is_experiment)
        difference = replica.difference
        if reference is not None and difference is None and replica.ended is not Ended.TIMEOUT:
            difference, _ = differ(reference, record, output=output)
            if difference is not None and course.stream not in (None, difference.stream):
                difference = None
        trial = Trial(replica, record, difference)
        self.trials.append(trial)
        return trial

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        """Read once in a session: what a later comparison with another machine starts from."""
        read = manifest.read()
        read["factors"] |= self._readings
        return {**read, "command": mask_command(list(self.command.shown))}

    def check_room(self) -> None:
        """Raise StorageError when the disk is full: what a run could not record must not pass for what it did."""
        self._store.check_room()

    def seal(self) -> None:
        """Finish the records of all runs that are kept: leave the outcome of each, then seal it."""
        for trial in self.trials:
            finish(trial.record)

    def discard(self, keep: list[Trial]) -> None:
        """Delete the folders of all trials but these."""
        kept = {id(trial) for trial in keep}
        for trial in self.trials:
            if id(trial) not in kept:
                trial.record.close()
                self._store.remove(trial.replica.run_dir)
        self.trials = list(keep)


def finish(record: Record) -> None:
    """Leave a run's outcome in its record and seal it; one that is damaged, or cannot be written, stays unsealed."""
    with suppress(OSError, RecordError):
        write_whole(record.path / RESULT, json.dumps(to_json(outcome(record)), indent=1) + "\n")
        (record.path / OWNER).unlink(missing_ok=True)
        seal(record.path)
        record.__dict__.pop("seal", None)


def differ(a: Record, b: Record, *, output: bool) -> tuple[Difference | None, list[str]]:
    """The first difference of two finished runs in what was observed or, with `output`, in what they printed.

    Returns:
        The difference, and what was masked in the output before it was compared.
    """
    found = first_difference(a, b)
    if found is None and output:
        return output_difference(a, b)
    return found, []


class _Follower:
    """Follows a live run: says how far it is, and compares it with a reference if there is one."""

    def __init__(self, reference: Record | None, on_event: OnEvent, only: str | None) -> None:
        self._lockstep = Lockstep(reference, only)
        self._on_event = on_event
        self._step = -1

    def __call__(self, run_dir: Path) -> Difference | None:
        difference = self._lockstep.poll(run_dir)
        if self._lockstep.step != self._step:
            self._step = self._lockstep.step
            self._on_event(StepReached(self._step))
        return difference
