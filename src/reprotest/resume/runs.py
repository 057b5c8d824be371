"""The runs that `resume` consists of: straight through, first part, second part, and further ones like them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from reprotest.diagnose.laboratory import Course, Laboratory, Trial
from reprotest.factors import Setting
from reprotest.options import OnEvent, RunEnded, RunStarted
from reprotest.resume import plans
from reprotest.resume.pieces import Pieces
from reprotest.resume.report import ResumeReport
from reprotest.run.command import Command
from reprotest.run.replicate import Ended, describe_exit
from reprotest.run.state import State
from reprotest.run.store import Store

BEFORE, AFTER_FIRST = Setting(variant=0), Setting(variant=1)
"""The user's files as they were before everything, and as the first run left them."""
_PATIENCE = 3.0


@dataclass(frozen=True)
class Commands:
    """What to run. With `first` and `second` left out, the trainer that `full` uses is stopped and resumed from inside.

    Attributes:
        at: stop a trainer after so many optimizer steps; None: half way.
    """

    full: Command
    first: Command | None = None
    second: Command | None = None
    at: int | None = None

    def shown(self) -> dict[str, list[str]]:
        named = {"full": self.full, "first": self.first, "second": self.second}
        return {name: list(command.shown) for name, command in named.items() if command is not None}


class Failed(Exception):
    """Nothing can be said; the message says why."""


class Runs:
    """Carries out the runs and keeps what they left.

    Attributes:
        commands, state, report, on_event: as they were given.
        root: the store's folder.
        base: the three runs by name: "full", "first", "second".
        checkpoint: where a trainer that is stopped from inside leaves its checkpoint; None where the first command does that itself.
        plain: how the program is observed where no optimizer of PyTorch's trains.
    """

    def __init__(
        self,
        commands: Commands,
        timeout: float | None,
        store: Store,
        state: State,
        on_event: OnEvent,
        report: ResumeReport,
    ) -> None:
        """Nothing is run yet. `timeout`: seconds that one run may take."""
        self.commands = commands
        self.state = state
        self.report = report
        self.on_event = on_event
        self.root = store.root
        self.base: dict[str, Trial] = {}
        self.checkpoint = None if commands.first is not None else store.root / "resume"
        self.plain: plans.Plain | None = None
        self._store = store
        self._timeout = timeout
        self._labs: dict[str, Laboratory] = {}
        self._settings: dict[str, Setting] = {"file.order": Setting()}

    def run(self, part: str, resume: dict[str, Any], files: Setting, **course: Any) -> Trial:
        """One run of "full", "first" or "second".

        Args:
            part: which command.
            resume: what the probe is to keep or put back, from `plans`.
            files: BEFORE or AFTER_FIRST.
            course: more fields of `Course`; and `reference`, a record that it is compared with in lockstep.
        """
        command = {"first": self.commands.first, "second": self.commands.second}.get(part) or self.commands.full
        lab = self._labs.get(part)
        if lab is None:
            lab = self._labs[part] = Laboratory(command, self._store, self.state, self.on_event)
        settings: Mapping[str, Setting] = {**self._settings, "external.state": files}
        reference = course.pop("reference", None)
        timeout = self._timeout
        if timeout is None and "full" in self.base:
            timeout = _PATIENCE * self.base["full"].seconds + 60
        return lab.run(settings, Course(resume=resume, **course), reference=reference, timeout=timeout)

    def _base_run(self, part: str, number: int, resume: dict[str, Any], files: Setting, **course: Any) -> Trial:
        expected = self.base["full"].record.steps if "full" in self.base else None
        self.on_event(RunStarted(number, 3, expected))
        trial = self.base[part] = self.run(part, resume, files, **course)
        self.on_event(RunEnded(number, trial.seconds, trial.record.steps, trial.replica.exit_code))
        report = self.report
        report.unobserved = list(dict.fromkeys([*report.unobserved, *trial.record.notes()]))
        if trial.replica.ended is Ended.TIMEOUT:
            raise Failed(
                f"the {part} run took longer than {trial.seconds:.0f} s and was ended: give a longer --timeout"
            )
        if trial.replica.failed:
            tail = trial.replica.stderr_tail()
            raise Failed(
                f"the {part} command {describe_exit(trial.replica.exit_code)}" + (f":\n{tail}" if tail else "")
            )
        return trial

    def three(self) -> None:
        """Straight through, first part, second part; the user's files are put back in the end.

        Raises:
            Failed: one of them fails, or leaves nothing to compare.
        """
        state, checkpoint = self.state, self.checkpoint
        full = self._base_run("full", 1, plans.straight(), BEFORE)
        self.plain = self._without_optimizers(full)
        if self.plain is not None and self.plain.by_saves:
            full = self._base_run("full", 1, plans.straight(self.plain), BEFORE)
        self.report.steps = full.record.steps
        if not full.record.steps:
            raise Failed(
                "no step of the full command's training was seen, nor a file that it saved, so there is nothing to compare: steps are "
                "seen of PyTorch's optimizers, of Keras, and of partial_fit; files of NumPy, pickle, joblib, torch and safetensors"
            )
        refused = state.freeze(leave="before")
        first = plans.straight(self.plain)
        if checkpoint is not None:
            first = plans.stopping(self._stop_at(full.record.steps), checkpoint)
        left = self._base_run("first", 2, first, BEFORE)
        self._check_checkpoint()
        if self.plain is not None:
            log = pieces_of(left).log
            self.plain = replace(self.plain, saves=log.get("saves", 0), files=tuple(log.get("saved", ())))
        refused = refused or state.mark()
        if refused:
            self.report.unobserved.append(refused)
        order = plans.resumed(checkpoint, self.plain)
        self._base_run("second", 3, order, AFTER_FIRST, window=(0, 0), values=True)

    def _without_optimizers(self, full: Trial) -> plans.Plain | None:
        """How a program is observed that no optimizer of PyTorch's trains; None for those that one does."""
        logs = [pieces_of(full, key).log for key in full.record.streams]
        if self.checkpoint is not None or any(log.get("schedule") for log in logs):
            return None
        if full.record.steps:
            return plans.Plain()
        said = "no step of the training was seen: every file that the program saves counts as one"
        self.report.unobserved.append(said)
        return plans.Plain(by_saves=True)

    def _stop_at(self, steps: int) -> int:
        at = self.commands.at if self.commands.at is not None else steps // 2
        if not 0 < at < steps:
            raise Failed(f"cannot stop after {at} of {steps} steps: give --at a number from 1 to {steps - 1}")
        return at

    def _check_checkpoint(self) -> None:
        if self.checkpoint is not None and not self.base["first"].record.extras("checkpoint"):
            raise Failed(
                "the command uses neither Hugging Face's Trainer nor Lightning's, whose options to resume are known: "
                "give the two halves yourself, with --first and --second"
            )

    @property
    def by_saves(self) -> bool:
        """Is every file that the program saves a step, because no other was seen?"""
        return self.plain is not None and self.plain.by_saves

    @property
    def saves_at_end(self) -> bool:
        """Does the full run save no more files than the first one, so that nothing of it is known at the stop?"""
        return self.by_saves and self.base["first"].record.steps == self.base["full"].record.steps

    def hold(self, ids: list[str]) -> None:
        """Hold these factors in all runs from now on; those so far are forgotten."""
        self._settings.update({id: Setting() for id in ids})
        for lab in self._labs.values():
            lab.discard([])
        self.base.clear()

    def close(self) -> None:
        """Keep the three runs' records only."""
        for lab in self._labs.values():
            lab.discard([trial for trial in lab.trials if any(trial is known for known in self.base.values())])
            lab.seal()
        for folder in ("resume", "resume-data"):
            shutil.rmtree(self.root / folder, ignore_errors=True)


def pieces_of(trial: Trial, stream: str = "main") -> Pieces:
    """What one process and thread of a run has kept."""
    return Pieces(trial.replica.run_dir, stem_of(stream))


def stem_of(stream: str) -> str:
    """What the files of a stream are called."""
    return stream.replace("/", "~")
