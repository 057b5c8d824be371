"""The whole course of `resume`: straight through, first part, second part; compare; find what was lost."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reprotest.diagnose.candidates import candidates
from reprotest.diagnose.laboratory import Course, Laboratory, Trial
from reprotest.factors import Setting
from reprotest.options import OnEvent, RunEnded, RunStarted, Stage, StageStarted, ignore
from reprotest.probe.resumption import kept
from reprotest.probe.resumption.variables import HELD
from reprotest.result import Difference, Verdict
from reprotest.resume import plans
from reprotest.resume.align import Start, find_start
from reprotest.resume.experiments import Tried, find_lost
from reprotest.resume.pieces import Pieces, data_for, differing, idle, kept_pieces, replaced
from reprotest.resume.report import ResumeReport
from reprotest.resume.steps import Outcome, compare
from reprotest.run.command import Command
from reprotest.run.replicate import Ended, describe_exit
from reprotest.run.state import State
from reprotest.run.store import Store, full_disk_said

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


def run_resume(commands: Commands, timeout: float | None = None, on_event: OnEvent = ignore) -> ResumeReport:
    """Compare training straight through with stopping and resuming.

    Args:
        commands: what to run.
        timeout: seconds that one run may take.
        on_event: told of every stage, run, step and experiment.

    Returns:
        The report; its verdict is ERROR when a command fails by itself, or when nothing can be compared.

    Raises:
        UsageError: a command cannot be started, or the store cannot be written.
    """
    store = Store.at(commands.full.cwd)
    began = time.monotonic()
    report = ResumeReport(Verdict.ERROR, commands.shown())
    with full_disk_said(store), State(store.root) as state:
        session = _Session(commands, timeout, store, state, on_event, report)
        try:
            session.compare()
            if report.verdict is Verdict.DIFFERENT:
                session.explain()
        except Failed as error:
            report.error = str(error)
        except KeyboardInterrupt:
            report.interrupted = True
        finally:
            session.close()
    report.seconds = time.monotonic() - began
    return report


class _Session:
    def __init__(
        self,
        commands: Commands,
        timeout: float | None,
        store: Store,
        state: State,
        on_event: OnEvent,
        report: ResumeReport,
    ) -> None:
        self._commands = commands
        self._timeout = timeout
        self._store = store
        self._state = state
        self._on_event = on_event
        self._report = report
        self._labs: dict[str, Laboratory] = {}
        self._base: dict[str, Trial] = {}
        self._settings: dict[str, Setting] = {"file.order": Setting()}
        self._start: Start | None = None
        self._stream = "main"
        self._checkpoint = None if commands.first is not None else store.root / "resume"
        self._plain: plans.Plain | None = None

    # --- runs ---------------------------------------------------------------------------------------------------

    def _run(self, part: str, resume: dict[str, Any], files: Setting, **course: Any) -> Trial:
        command = {"first": self._commands.first, "second": self._commands.second}.get(part) or self._commands.full
        lab = self._labs.get(part)
        if lab is None:
            lab = self._labs[part] = Laboratory(command, self._store, self._state, self._on_event)
        settings: Mapping[str, Setting] = {**self._settings, "external.state": files}
        reference = course.pop("reference", None)
        timeout = self._timeout
        if timeout is None and "full" in self._base:
            timeout = _PATIENCE * self._base["full"].seconds + 60
        return lab.run(settings, Course(resume=resume, **course), reference=reference, timeout=timeout)

    def _base_run(self, part: str, number: int, resume: dict[str, Any], files: Setting, **course: Any) -> Trial:
        expected = self._base["full"].record.steps if "full" in self._base else None
        self._on_event(RunStarted(number, 3, expected))
        trial = self._base[part] = self._run(part, resume, files, **course)
        self._on_event(RunEnded(number, trial.seconds, trial.record.steps, trial.replica.exit_code))
        report = self._report
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

    def _three_runs(self) -> None:
        """Straight through, first part, second part; the user's files are put back in the end."""
        state, checkpoint = self._state, self._checkpoint
        full = self._base_run("full", 1, plans.straight(), BEFORE)
        self._plain = self._without_optimizers(full)
        if self._plain is not None and self._plain.by_saves:
            full = self._base_run("full", 1, plans.straight(self._plain), BEFORE)
        self._report.steps = full.record.steps
        if not full.record.steps:
            raise Failed(
                "no step of the full command's training was seen, nor a file that it saved, so there is nothing to compare: steps are "
                "seen of PyTorch's optimizers, of Keras, and of partial_fit; files of NumPy, pickle, joblib, torch and safetensors"
            )
        refused = state.freeze(leave="before")
        first = plans.straight(self._plain)
        if checkpoint is not None:
            first = plans.stopping(self._stop_at(full.record.steps), checkpoint)
        left = self._base_run("first", 2, first, BEFORE)
        self._check_checkpoint()
        if self._plain is not None:
            log = self._log(left)
            self._plain = replace(self._plain, saves=log.get("saves", 0), files=tuple(log.get("saved", ())))
        refused = refused or state.mark()
        if refused:
            self._report.unobserved.append(refused)
        order = plans.resumed(checkpoint, self._plain)
        self._base_run("second", 3, order, AFTER_FIRST, window=(0, 0), values=True)

    def _without_optimizers(self, full: Trial) -> plans.Plain | None:
        """How a program is observed that no optimizer of PyTorch's trains; None for those that one does."""
        logs = [Pieces(full.replica.run_dir, key.replace("/", "~")).log for key in full.record.streams]
        if self._checkpoint is not None or any(log.get("schedule") for log in logs):
            return None
        if full.record.steps:
            return plans.Plain()
        said = "no step of the training was seen: every file that the program saves counts as one"
        self._report.unobserved.append(said)
        return plans.Plain(by_saves=True)

    def _log(self, trial: Trial) -> dict[str, Any]:
        return Pieces(trial.replica.run_dir, self._stream.replace("/", "~")).log

    def _stop_at(self, steps: int) -> int:
        at = self._commands.at if self._commands.at is not None else steps // 2
        if not 0 < at < steps:
            raise Failed(f"cannot stop after {at} of {steps} steps: give --at a number from 1 to {steps - 1}")
        return at

    def _check_checkpoint(self) -> None:
        if self._checkpoint is not None and not self._base["first"].record.extras("checkpoint"):
            raise Failed(
                "the command uses neither Hugging Face's Trainer nor Lightning's, whose options to resume are known: "
                "give the two halves yourself, with --first and --second"
            )

    # --- compare ------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Fill in verdict, place and first difference."""
        self._on_event(StageStarted(Stage.REPEAT, 3))
        self._three_runs()
        before = self._before_the_stop()
        if before is not None and self._hold_factors():
            self._three_runs()
            before = self._before_the_stop()
        report = self._report
        report.records = [self._relative(trial) for trial in self._base.values()]
        if before is not None:
            report.verdict, report.first_difference = Verdict.DIFFERENT, before
            return
        outcome = self._after_the_stop(self._base["second"])
        report.compared = outcome.steps
        report.first_difference = outcome.difference
        if outcome.difference is None and not outcome.steps:
            raise Failed("the second command made no step that the full one made too, so there is nothing to compare")
        report.verdict = Verdict.IDENTICAL if outcome.difference is None else Verdict.DIFFERENT

    def _before_the_stop(self) -> Difference | None:
        """Does the first command do what the full one does, as far as it goes?"""
        full, first = self._base["full"].record, self._base["first"].record
        if self._saves_at_end:
            return None
        for stream in first.streams:
            if stream not in full.streams:
                continue
            found = compare(full, first, stream, 0, until=first.steps, saved=self._by_saves).difference
            if found is not None:
                note = (
                    "already before the stop the first command does not do what the full one does: either the program does not "
                    "repeat (try `run`), or something in it depends on how long it is to train (a schedule)"
                )
                return replace(found, note=f"{found.note}; {note}" if found.note else note)
        return None

    @property
    def _by_saves(self) -> bool:
        return self._plain is not None and self._plain.by_saves

    @property
    def _saves_at_end(self) -> bool:
        """Does the full run save no more files than the first one, so that nothing of it is known at the stop?"""
        return self._by_saves and self._base["first"].record.steps == self._base["full"].record.steps

    def _hold_factors(self) -> bool:
        """Hold every factor that the program uses and that makes it differ when merely repeated. False: there is none."""
        records = [self._base["full"].record, self._base["first"].record]
        ids = [c.id for c in candidates(records, files_differ=False) if c.seen and c.id != "file.order"]
        if not ids or self._report.held:
            return False
        self._report.held = ids
        self._settings.update({id: Setting() for id in ids})
        self._discard()
        return True

    def _after_the_stop(self, second: Trial) -> Outcome:
        full = self._base["full"].record
        outcomes = []
        for key, stream in second.record.streams.items():
            if key not in full.streams:
                continue
            hint = self._base["first"].record.steps - (1 if self._saves_at_end else 0)
            start = find_start(full.streams[key], stream, hint)
            if start is None:
                continue
            outcome = compare(full, second.record, key, start.frame, saved=self._by_saves)
            found = outcome.difference
            if not start.exact and found is not None:
                found = replace(found, note=_not_exact(found))
            if found is not None and found.kind in ("length", "extra"):
                found = replace(found, step=start.step + outcome.steps)
            outcomes.append((start, key, Outcome(found, outcome.steps)))
        if not outcomes:
            return Outcome(None, 0)
        start, key, outcome = min(outcomes, key=lambda o: (o[2].difference is None, o[2].steps))
        if self._start is None:
            self._start, self._stream = start, key
            self._report.resumed_at = start.step
        return outcome

    # --- explain ------------------------------------------------------------------------------------------------

    def explain(self) -> None:
        """Name the pieces that were lost."""
        report, start = self._report, self._start
        baseline = report.first_difference
        if start is None or baseline is None or self._state.refused:
            return
        if self._plain is not None:
            self._explain_plain(self._plain, baseline)
            return
        if not start.exact:
            return
        self._on_event(StageStarted(Stage.EXPERIMENT))
        full = self._base["full"]
        again = self._run(
            "full",
            plans.keeping(start.step),
            BEFORE,
            reference=full.record,
            stop_after_step=start.step,
            window=(start.step, start.step),
            values=True,
        )
        if again.difference is not None or not again.usable:
            report.unobserved.append("the full run does not repeat, so nothing can be put back from it; try `run`")
            return
        self._base["kept"] = again
        self._measure(again.record)
        stem = self._stream.replace("/", "~")
        ours, theirs = Pieces(again.replica.run_dir, stem), Pieces(self._base["second"].replica.run_dir, stem)
        log = Pieces(full.replica.run_dir, stem).log
        ours.log = log
        loads = theirs.loads
        data = self._store.root / "resume-data"
        for key in full.record.streams:
            name = key.replace("/", "~")
            p, q = Pieces(full.replica.run_dir, name), Pieces(self._base["second"].replica.run_dir, name)
            if p.log and q.log:
                kept.write(data, f"{name}.data", data_for(p.log, q.log, start.step))

        def attempt(details: frozenset[str]) -> Tried:
            order = plans.restoring(details, again.replica.run_dir, data, loads, self._checkpoint)
            trial = self._run("second", order, AFTER_FIRST)
            report.unobserved = list(dict.fromkeys([*report.unobserved, *trial.record.notes()]))
            note = None if trial.usable else _said(trial)
            return Tried(self._after_the_stop(trial).difference, trial.seconds, trial.usable, note)

        differ = differing(ours, theirs, start.step)
        unlikely = idle(ours) & differ.keys() | {name for name in differ if name.startswith(HELD)}
        report.causes = find_lost(differ, unlikely, baseline, attempt, self._on_event, report.experiments)

    def _explain_plain(self, plain: plans.Plain, baseline: Difference) -> None:
        """The same where no optimizer of PyTorch's trains: with the state of the first run when it saved its last file."""
        report, stem = self._report, self._stream.replace("/", "~")
        loads = Pieces(self._base["second"].replica.run_dir, stem).loads
        if not loads:
            report.unobserved.append(
                "no function was seen by which the second command reads what the first one has saved"
            )
            return
        self._on_event(StageStarted(Stage.EXPERIMENT))
        self._base["kept"] = kept_run = self._run("first", plans.keeping_saved(plain), BEFORE)
        ours = Pieces(kept_run.replica.run_dir, stem)

        def attempt(details: frozenset[str]) -> Tried:
            order = plans.restoring(details, kept_run.replica.run_dir, kept_run.replica.run_dir, loads, plain=plain)
            trial = self._run("second", order, AFTER_FIRST)
            held.update(replaced(Pieces(trial.replica.run_dir, stem)))  # of all that was kept, this is what was lost
            report.unobserved = list(dict.fromkeys([*report.unobserved, *trial.record.notes()]))
            note = None if trial.usable else _said(trial)
            return Tried(self._after_the_stop(trial).difference, trial.seconds, trial.usable, note)

        held = kept_pieces(ours)
        if not held:
            report.unobserved.append("nothing was kept of the first run's state, so nothing can be put back from it")
            return
        unlikely = {name for name in held if name.startswith(HELD)}
        report.causes = find_lost(
            held,
            unlikely,
            baseline,
            attempt,
            self._on_event,
            report.experiments,
            differing=False,
            source="the first run",
        )

    def _measure(self, full: Any) -> None:
        """The first difference again, with the values of the step: how large is it?"""
        start, second, known = self._start, self._base["second"].record, self._report.first_difference
        assert start is not None
        assert known is not None
        if self._stream not in full.streams or known.max_abs is not None:
            return
        found = compare(full, second, self._stream, start.frame, until=1).difference
        if found is not None and (found.step, found.phase, found.name) == (known.step, known.phase, known.name):
            self._report.first_difference = replace(found, note=known.note or found.note)

    # --- the rest -----------------------------------------------------------------------------------------------

    def _relative(self, trial: Trial) -> str:
        try:
            return str(trial.replica.run_dir.relative_to(self._commands.full.cwd))
        except ValueError:
            return str(trial.replica.run_dir)

    def _discard(self) -> None:
        for lab in self._labs.values():
            lab.discard([])
        self._base.clear()

    def close(self) -> None:
        """Keep the three runs' records only."""
        import shutil

        kept_trials = [trial for part, trial in self._base.items() if part != "kept"]
        for lab in self._labs.values():
            lab.discard([trial for trial in lab.trials if any(trial is known for known in kept_trials)])
            lab.seal()
        for folder in ("resume", "resume-data"):
            shutil.rmtree(Path(self._store.root, folder), ignore_errors=True)


def _said(failed: Trial) -> str:
    tail = failed.replica.stderr_tail(1).strip()
    return f"the second command {describe_exit(failed.replica.exit_code)}" + (f": {tail[:200]}" if tail else "")


def _not_exact(found: Difference) -> str:
    said = "the parameters with which the resumed run begins are those of no step of the full run: the checkpoint does not hold them all"
    return f"{found.note}; {said}" if found.note else said
