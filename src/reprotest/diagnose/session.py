"""The whole course of `run`: repeat the command, compare, locate the first difference, find the cause by experiment."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from reprotest.diagnose.bench import Bench
from reprotest.diagnose.candidates import Candidate, candidates
from reprotest.diagnose.experiments import Findings, find_causes
from reprotest.diagnose.laboratory import Course, Laboratory, Trial
from reprotest.diagnose.locate import finer, refined, site_of
from reprotest.diagnose.remedies import with_common_remedy
from reprotest.diagnose.suspects import unproven_causes
from reprotest.diagnose.verdict import judge, watch
from reprotest.errors import StorageError
from reprotest.factors import Setting, factor
from reprotest.factors.external_state import AS_LEFT
from reprotest.options import (
    OnEvent,
    RunEnded,
    RunOptions,
    RunStarted,
    Stage,
    StageStarted,
    ignore,
)
from reprotest.record.event import Phase
from reprotest.result import Cause, Difference, RunReport, Verdict
from reprotest.run.command import Command
from reprotest.run.replicate import Ended, describe_exit
from reprotest.run.state import State, matters
from reprotest.run.store import Store, full_disk_said

_TRAINING = ("init", "data", "forward", "loss", "backward", "update")
_MOVE_ALLOCATIONS = ("python.hash", "torch.kernels", "memory.uninitialised")
"""What has no part in native code that is keyed by addresses (a Rust hash map), but shifts whatever is allocated after it: where it acts
at the very line where addresses do, and at no earlier one, it acts through them."""
_PATIENCE = 3.0
"""An experiment may take this many times as long as the run it resembles, and half a minute more, before it is given up."""


def run_session(command: Command, options: RunOptions, on_event: OnEvent = ignore) -> RunReport:
    """Repeat a command and say whether, where and why its runs differ.

    Args:
        command: what to run.
        options: how often, how far, how long.
        on_event: told of every stage, run, step and experiment.

    Returns:
        The report; its verdict is ERROR when the command itself fails. On an interrupt, what was found so far, with
        `interrupted` set.

    Raises:
        UsageError: the command cannot be started, or the store cannot be written.
    """
    store = Store.at(command.cwd)
    with full_disk_said(store), State(store.root) as state:
        session = Session(command, options, store, Laboratory(command, store, state, on_event))
        try:
            session.repeat()
            if session.report.verdict is Verdict.DIFFERENT and options.diagnose:
                session.diagnose()
        except KeyboardInterrupt:
            session.interrupted()
        finally:
            session.close()
    return session.report


class Session:
    """The runs of one command, from the first to the cause. `run_session` goes through it in order."""

    def __init__(self, command: Command, options: RunOptions, store: Store, lab: Laboratory) -> None:
        self._start = time.monotonic()
        self._options = options
        self._store = store
        self._lab = lab
        self._on_event = lab.on_event
        self._last = None if options.steps is None else options.steps - 1
        self._numbers: dict[int, int] = {}
        self._output_only = False
        self.base: list[Trial] = []
        self.report = RunReport(Verdict.ERROR, list(command.shown), options.runs, 0, 0.0)

    # --- repeat and compare -------------------------------------------------------------------------------------

    def repeat(self) -> None:
        """Run the unmodified command as often as asked and compare every run with the first."""
        self._on_event(StageStarted(Stage.REPEAT, self._options.runs))
        for number in range(self._options.runs):
            expected = self.base[0].record.steps if self.base else self._options.steps
            self._on_event(RunStarted(number + 1, self._options.runs, expected))
            trial = self.run(number)
            self.base.append(trial)
            steps = trial.record.steps
            self._on_event(RunEnded(number + 1, trial.seconds, steps, trial.replica.exit_code))
            self.report.exit_codes.append(trial.replica.exit_code if trial.replica.exit_code is not None else 0)
            self.report.records.append(trial.shown(self._lab.command.cwd))
            if trial.replica.ended is Ended.TIMEOUT:
                self.report.error = (
                    f"run {number + 1} took longer than {self._options.timeout:g} s and was ended: "
                    "give a longer --timeout, or compare fewer steps with --steps"
                )
                return
            if number == 0 and trial.replica.failed and self._fails_again(trial):
                return
        self.compare()

    def run(self, number: int, env: Mapping[str, str | None] | None = None) -> Trial:
        """The unmodified command once, as the run of this number (from 0). `env`: more variables for its environment.

        Raises:
            StorageError: it could not be recorded wholly.
        """
        trial = self._lab.run(_free(number), Course(stop_after_step=self._last), timeout=self._options.timeout, env=env)
        self._numbers[id(trial)] = number
        self._store.check_room()
        stopped = trial.record.extras("recording_stopped")
        if stopped:
            raise StorageError(
                f"run {number + 1} could not be recorded wholly: {stopped[0]}; make room, then run it again"
            )
        return trial

    def _fails_again(self, first: Trial) -> bool:
        """Does the command fail every time? A run that dies only once in a while is a difference, not an error."""
        if first.record.steps == 0 or first.replica.exit_code in (1, 2, 126, 127):
            quick = first.seconds < 60
            if quick:
                again = self._lab.run({}, Course(), timeout=self._options.timeout)
                if again.replica.exit_code != first.replica.exit_code:
                    return False
        else:
            return False
        tail = first.replica.stderr_tail()
        self.report.error = f"the command {describe_exit(first.replica.exit_code)}" + (f":\n{tail}" if tail else "")
        return True

    def compare(self) -> None:
        """Judge the runs so far."""
        judged = judge(self.report, self.base, self._on_event)
        self._output_only = judged.output_only
        if judged.other is not None:
            self._other = judged.other

    # --- diagnose -----------------------------------------------------------------------------------------------

    def diagnose(self) -> None:
        """Locate the first difference and find its causes."""
        difference = self.report.first_difference
        assert difference is not None
        whole = difference.phase not in _TRAINING or difference.kind in ("died", "exit", "length")
        to_the_end = Course(stop_after_step=self._last)
        course = to_the_end if whole else Course(stop_after_step=difference.step)
        pair = (self.base[0], self._other)
        longest = max(t.seconds for t in pair)
        bench = Bench(
            self._lab,
            course,
            to_the_end,
            output=self._output_only,
            timeout=self._options.timeout or _PATIENCE * longest + 30,
            seed=self._options.seed,
        )
        self.report.experiments = bench.rows
        records = [t.record for t in pair]
        # Modules and operators are PyTorch's; a run that ended without its last notes may have imported it.
        imported = _imported(pair)
        files_differ = self._lab.state.freeze() is None and matters(*records)
        if not self._output_only and ("torch" in imported or not imported):
            self._on_event(StageStarted(Stage.LOCATE))
            free = [_free(self._numbers[id(trial)], files=files_differ) for trial in pair]
            self.report.located = finer(bench, difference, (free[0], free[1]))
            self.report.first_difference = refined(difference, self.report.located)
        self._on_event(StageStarted(Stage.EXPERIMENT))
        finest = self.report.located[-1] if self.report.located else difference
        suspects = candidates(records, finest, files_differ=files_differ)
        findings = find_causes(bench, suspects)
        self._conclude(bench, suspects, findings)

    def _conclude(self, bench: Bench, suspects: list[Candidate], findings: Findings) -> None:
        by_id = {s.id: s for s in [*suspects, *([findings.native] if findings.native else [])]}
        locations = {
            factor_id: site_of(bench, by_id[factor_id], findings, self._operator_line())
            for factor_id in findings.proven
        }
        addresses = locations.get("memory.address")
        for factor_id, difference in findings.proven.items():
            location = locations[factor_id]
            if factor_id in _MOVE_ALLOCATIONS and addresses is not None and location == addresses:
                continue
            evidence = (
                "pinned: identical; left to vary: different"
                if findings.repeats_when_pinned
                else "pinned: still different; left to vary: different earlier"
            )
            self.report.causes.append(
                Cause(
                    factor_id, bool(findings.repeats_when_pinned), location, evidence, factor(factor_id).fix, difference
                )
            )
        self.report.causes.sort(key=_acts)
        self.report.causes = with_common_remedy(self.report.causes, _imported(self.base))
        if not findings.complete:
            self.report.causes += unproven_causes(
                suspects,
                findings,
                self.report.first_difference,
                [t.record for t in self.base],
                self._lab.state.refused,
            )
        self.report.first_difference = _at_its_cause(self.report.first_difference, self.report.causes)
        affects = {**dict.fromkeys(findings.harmless, False), **dict.fromkeys(findings.proven, True)}
        watch(self.report, self.base, affects)

    def _operator_line(self) -> str | None:
        """The line of the operator that differed by itself."""
        located = self.report.located
        return located[-1].location if located and located[-1].op is not None else None

    # --- the rest -----------------------------------------------------------------------------------------------

    def interrupted(self) -> None:
        """Say of the runs that were finished what can be said."""
        report = self.report
        report.interrupted = True
        if len(self.base) > 1 and report.verdict is Verdict.ERROR and report.error is None:
            report.runs = len(self.base)
            self.compare()

    def close(self) -> None:
        self.report.seconds = time.monotonic() - self._start
        if not self._options.keep:
            self._lab.discard(self.base)
        self._lab.seal()


def _imported(trials: Sequence[Trial]) -> set[str]:
    """The top-level modules that these runs imported."""
    return {name for trial in trials for name in trial.record.modules}


def _acts(cause: Cause) -> tuple[int, int]:
    """Where a proven cause acts first: step and phase."""
    assert cause.first_difference is not None
    return cause.first_difference.step, Phase[cause.first_difference.phase.upper()]


def _at_its_cause(difference: Difference | None, causes: Sequence[Cause]) -> Difference | None:
    """A difference whose own line is not known is where its cause acts: of several causes, the one that brings this difference back."""
    if difference is None or difference.location is not None:
        return difference
    here = (difference.step, difference.phase, difference.name)
    effects = [(cause, cause.first_difference) for cause in causes]
    own = [cause for cause, effect in effects if effect and (effect.step, effect.phase, effect.name) == here]
    if own or len(causes) == 1:
        return replace(difference, location=(own or causes)[0].location)
    return difference


def as_first() -> dict[str, Setting]:
    """The settings of the first of the repeated runs: what any later run is to be compared with."""
    return _free(0)


def _free(number: int, *, files: bool = False) -> dict[str, Setting]:
    """The settings of the n-th repeated run: nothing is held.

    With `files`, they are what its run found: as before all of them for the first, what an earlier one had left for every other.

    The order of a directory's listing is the one thing that mere repetition on one disk hides although no standard promises it,
    so the first run sees it sorted and every other run sees another order.
    """
    settings = {"file.order": Setting(seed=number, variant=min(number, 1))}
    if files:
        settings["external.state"] = Setting(variant=AS_LEFT if number else 0)
    return settings
