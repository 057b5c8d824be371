"""The whole course of `vary`: hold everything, see that it repeats, then search for what changes the result."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from reprotest.diagnose.experiments import RISKY
from reprotest.diagnose.laboratory import Course, Laboratory, Settings, Trial, differ, finish
from reprotest.factors import Setting, all_factors, factor
from reprotest.factors._kept import VARIABLE
from reprotest.options import OnEvent, RunEnded, RunStarted, Stage, StageStarted, ignore
from reprotest.record import open_record
from reprotest.result import Difference
from reprotest.run.command import Command
from reprotest.run.guardian import guarded
from reprotest.run.replicate import Ended, Replica, describe_exit
from reprotest.run.state import State
from reprotest.run.store import Store, full_disk_said
from reprotest.vary.bench import Bench, OutOfBudget, ends
from reprotest.vary.options import VaryOptions, selected
from reprotest.vary.partial import Partial
from reprotest.vary.result import Final, Other, Sensitivity, Skipped, VaryReport, Verdict
from reprotest.vary.search import OTHER, Combination, Judged, groups, search
from reprotest.vary.variations import Variation, fitting, seen, starting

_PATIENCE, _COMPILING = 4.0, 240.0
"""A variation may take so many times as long as the reference, and so many seconds more for a compiler."""
_ADDRESS = "memory.address"


class _Failed(Exception):
    """The command itself fails."""


class _Unstable(Exception):
    """Two runs with everything held differ."""

    def __init__(self, difference: Difference) -> None:
        super().__init__()
        self.difference = difference


class _AddressesMatter(Exception):
    """Nearly every variation moves objects in memory: the rest must be judged with objects told apart by creation order."""

    def __init__(self, variation: Variation) -> None:
        super().__init__()
        self.variation = variation


def _ask(bench: Bench, combination: Combination) -> str:
    """The outcome of a combination. Raises _AddressesMatter when addresses alone change the result."""
    outcome = bench.ask(combination)
    address = next((one for one in combination if one.factor_id == _ADDRESS), None)
    if outcome == OTHER and address is not None and bench.ask(frozenset({address})) == OTHER:
        raise _AddressesMatter(address)
    return outcome


def vary_session(command: Command, options: VaryOptions, on_event: OnEvent = ignore) -> VaryReport:
    """Say on what the result of a command depends.

    Every file that the runs change is put back as it was before, whatever happens to this process.

    Args:
        command: what to run.
        options: what to vary, how far, how long.
        on_event: told of every run.

    Returns:
        The report; its verdict is ERROR when the command itself fails. On an interrupt or at the end of the budget, what was found so
        far, with `complete` unset; a later call with the same command and options goes on from there.

    Raises:
        UsageError: the command cannot be started, or the store cannot be written.
    """
    selected(options.select, (one.id for one in all_factors()))
    store = Store.at(command.cwd)
    with full_disk_said(store), State(store.root) as state:
        mark = f"{VARIABLE}={state.env.get(VARIABLE, '')}"
        with guarded(store.root, mark, [store.root / "scratch"]):
            session = _Session(command, options, store, Laboratory(command, store, state, on_event))
            return session.carry_out()


class _Session:
    def __init__(self, command: Command, options: VaryOptions, store: Store, lab: Laboratory) -> None:
        self._began = time.monotonic()
        self._options = options
        self._store = store
        self._lab = lab
        self._last = None if options.steps is None else options.steps - 1
        self._partial = Partial.at(store.root, command, options)
        if options.fresh:
            self._partial = Partial(self._partial.path)
        self._judged = Judged()
        self._variations: list[Variation] = []
        self._left: dict[Variation, str] = {}
        self._bench: Bench | None = None
        self._reference: Trial | None = None
        self._kept: list[Trial] = []
        self._output = False
        self._why = ""
        self.report = VaryReport(Verdict.ERROR, list(command.shown))

    def carry_out(self) -> VaryReport:
        """Everything, to the report."""
        report = self.report
        try:
            self._search()
            report.verdict = Verdict.SENSITIVE if self._judged.sensitive else Verdict.INSENSITIVE
            self._confirm()
        except _Failed:
            return self._closed()
        except _Unstable as unstable:
            report.verdict, report.first_difference = Verdict.UNSTABLE, unstable.difference
        except OutOfBudget:
            report.complete, self._why = False, f"the budget of {self._options.budget:g} min was used up"
        except KeyboardInterrupt:
            report.interrupted, report.complete, self._why = True, False, "interrupted before it was tried"
        if not report.complete:
            report.verdict = Verdict.SENSITIVE if self._judged.sensitive else Verdict.INSENSITIVE
            if self._bench is None:
                report.verdict, report.error = Verdict.ERROR, "interrupted before anything was varied"
        self._conclude()
        return self._closed()

    # --- the reference ------------------------------------------------------------------------------------------

    def _search(self) -> None:
        self._lab.on_event(StageStarted(Stage.REPEAT, self._options.runs))
        self._lab.state.freeze(leave="before")
        first = self._first_run()
        self._describe(first)
        self._lab.state.mark()
        reference = self._continued(first)
        if reference is None:
            if self._partial.identity:
                first = self._start_anew()
            reference = self._repeated(first, identity=False)
        wanted = selected(self._options.select, (one.id for one in all_factors()))
        self._variations, self.report.skipped = fitting(first.record, wanted)
        dropped = {one.factor_id for one in self._variations} & set(self._partial.without)
        self._variations = [one for one in self._variations if one.factor_id not in dropped]
        self.report.skipped += [Skipped(name, "the program does not run with it held") for name in dropped]
        self._lab.on_event(StageStarted(Stage.VARY))
        last = [one for one in self._variations if factor(one.factor_id).presumes_stable(one.variant)]
        self._vary(reference, [one for one in self._variations if one not in last])
        self._vary_stable(last)

    def _vary_stable(self, variations: list[Variation]) -> None:
        """Judge what can only be judged of a program that repeats."""
        if self._bench is None:
            return
        guilty = [one.factor_id for one in self._judged.sensitive if factor(one.factor_id).repeats]
        if guilty:
            self._left = dict.fromkeys(variations, f"the result depends on {guilty[0]}, which varies by itself")
            return
        search(variations, self._bench.ask, self._judged)
        self._details(self._bench)

    def _vary(self, reference: Trial, variations: list[Variation]) -> None:
        """Judge these variations."""
        rest = [one for one in variations if one.factor_id != _ADDRESS]
        if not self._partial.identity:
            bench = self._new_bench(reference, len(groups(self._variations)))
            try:
                search(variations, partial(_ask, bench), self._judged)
                self._details(bench)
                return
            except _AddressesMatter as found:
                self._judged = Judged(sensitive={found.variation: frozenset()})
                self._details(bench)
                rows = bench.rows
            reference = self._repeated(self._run(identity=True), identity=True)
        else:
            rows = []
            guilty = [one for one in variations if self._partial.detail(one.key) and one not in rest]
            self._judged = Judged(sensitive=dict.fromkeys(guilty, frozenset()))
        bench = self._new_bench(reference, len(groups(rest)))
        bench.rows += rows
        search(rest, bench.ask, self._judged)
        self._details(bench)

    def _start_anew(self) -> Trial:
        """What was known before no longer holds."""
        self._partial = Partial(self._partial.path)
        return self._first_run()

    def _details(self, bench: Bench) -> None:
        for variation, beside in self._judged.sensitive.items():
            if not beside:
                bench.detail(variation)

    def _new_bench(self, reference: Trial, expected: int) -> Bench:
        minutes = self._options.budget
        compiled = any("compile" in told for told in reference.record.extras("torch.kernels"))
        self._bench = Bench(
            self._lab,
            reference,
            self._settings(self._partial.identity),
            self._partial,
            last=self._last,
            output=self._output,
            finely=not compiled,
            timeout=self._options.timeout or _PATIENCE * reference.seconds + _COMPILING,
            deadline=None if minutes is None else self._began + 60 * minutes,
        )
        self._bench.expected = expected
        self._reference = reference
        return self._bench

    def _first_run(self) -> Trial:
        """The command with everything held. Pins under which it does not run are given up one by one.

        Raises:
            _Failed: it does not run at all.
        """
        dropped = self._partial.without
        risky = [name for name in RISKY if factor(name).start == 0 and name not in dropped]
        while True:
            self._partial.without = dropped
            first = self._run(identity=self._partial.identity)
            if first.replica.ended is Ended.TIMEOUT:
                self.report.error = (
                    f"a run took longer than {self._options.timeout:g} s and was ended: "
                    "give a longer --timeout, or look at fewer steps with --steps"
                )
                raise _Failed
            if not first.replica.failed:
                return first
            if not dropped:
                free = self._lab.run({}, Course(stop_after_step=self._last), timeout=self._options.timeout)
                if free.replica.failed:
                    tail = free.replica.stderr_tail()
                    self.report.error = f"the command {describe_exit(free.replica.exit_code)}" + (
                        f":\n{tail}" if tail else ""
                    )
                    raise _Failed
            if not risky:
                self.report.error = f"with everything held the command {describe_exit(first.replica.exit_code)}:\n{first.replica.stderr_tail()}"
                raise _Failed
            dropped = [*dropped, risky.pop(0)]

    def _describe(self, first: Trial) -> None:
        report, record = self.report, first.record
        report.steps, report.observed = record.steps, record.phases
        report.unobserved = record.notes()
        self._output = record.is_indirect
        if self._output:
            besides = ", beside what it saved or held at its end," if report.observed else ""
            report.unobserved.append(
                f"no weights, losses, batches or estimators were seen, so the program's output{besides} was compared; "
                "call reprotest.observe(name, value) on what matters"
            )

    def _continued(self, first: Trial) -> Trial | None:
        """The reference of an interrupted session, if the command still does the same as then; else nothing of it holds."""
        if not self._partial.reference:
            return None
        run_dir = Path(self._partial.reference)
        record = open_record(run_dir)
        if differ(record, first.record, output=self._output)[0] is None:
            return Trial(Replica(run_dir, first.replica.ended, first.replica.exit_code, first.seconds), record)
        record.close()
        self._store.remove(run_dir)
        return None

    def _repeated(self, first: Trial, *, identity: bool) -> Trial:
        """The command again, as often as asked, with its first and last values kept. Raises _Unstable when it does not repeat."""
        keep = ends(first.record.steps)
        reference = first
        for number in range(2, self._options.runs + 1):
            again = self._run(identity=identity, number=number, against=first, keep=keep)
            if again.difference is not None:
                raise _Unstable(again.difference)
            reference = again
        self._partial.restart(str(reference.replica.run_dir), identity=identity)
        return reference

    def _run(
        self, *, identity: bool, number: int = 1, against: Trial | None = None, keep: tuple[int, ...] = ()
    ) -> Trial:
        expected = against.record.steps if against is not None else self._options.steps
        self._lab.on_event(RunStarted(number, self._options.runs, expected))
        trial = self._lab.run(
            self._settings(identity),
            Course(values=bool(keep), keep=keep, stop_after_step=self._last),
            reference=against.record if against is not None else None,
            output=self._output and against is not None,
            timeout=self._options.timeout,
        )
        self._lab.on_event(RunEnded(number, trial.seconds, trial.record.steps, trial.replica.exit_code))
        self._store.check_room()
        return trial

    def _settings(self, identity: bool) -> Settings:
        return starting(self._options.seed, identity=identity, without=self._partial.without)

    # --- the result ---------------------------------------------------------------------------------------------

    def _confirm(self) -> None:
        """What changes the result is one thing if the command repeats by itself, another if it does not.

        Raises:
            _Unstable: it does not.
        """
        if not self._judged.sensitive or self._bench is None:
            return
        difference = self._bench.again()
        if difference is not None:
            raise _Unstable(difference)
        if any(factor(one.factor_id).repeats for one in self._judged.sensitive):
            first = self._free()
            second = self._free(first)
            if second.difference is not None:
                raise _Unstable(second.difference)

    def _free(self, against: Trial | None = None) -> Trial:
        """The command with nothing held but the files that it starts from, and their order."""
        settings = {name: Setting(self._options.seed) for name in ("file.order", "external.state")}
        return self._lab.run(
            settings,
            Course(stop_after_step=self._last),
            reference=against.record if against is not None else None,
            output=self._output and against is not None,
            timeout=self._options.timeout,
        )

    def _conclude(self) -> None:
        report, bench, judged = self.report, self._bench, self._judged
        if bench is None or self._reference is None:
            return
        by_factor: dict[str, list[Variation]] = {}
        for variation in self._variations:
            by_factor.setdefault(variation.factor_id, []).append(variation)
        for variation, beside in judged.sensitive.items():
            report.sensitive_to.append(self._sensitivity(bench, variation, beside))
        order = {one.id: number for number, one in enumerate(all_factors())}
        report.sensitive_to.sort(key=lambda item: order[item.factor])
        guilty = {item.factor for item in report.sensitive_to}
        for factor_id, variations in by_factor.items():
            tried = [one for one in variations if one in judged.harmless or one in judged.sensitive]
            left = [one for one in variations if one not in tried]
            if tried and factor_id not in guilty:
                report.insensitive_to.append(factor_id)
            missed = [
                Skipped(
                    factor_id,
                    bench.note(one)
                    if one in judged.unknown
                    else self._left.get(one) or self._why or "not needed any more",
                    one.to,
                )
                for one in left
            ]
            if tried:
                report.untried += [
                    one for one in missed if one.to and not (factor_id == _ADDRESS and factor_id in guilty)
                ]
            elif missed:
                report.skipped.append(Skipped(factor_id, missed[0].why))
        report.insensitive_to.sort(key=order.__getitem__)
        report.skipped.sort(key=lambda item: order[item.factor])
        report.trials, report.resumed = bench.rows, bench.resumed

    def _sensitivity(self, bench: Bench, variation: Variation, beside: Combination) -> Sensitivity:
        one = factor(variation.factor_id)
        assert self._reference is not None
        detail = self._partial.detail(variation.key) if not beside else None
        difference = detail.difference if detail else bench.difference(frozenset({variation}) | beside)
        sites = [site for site in self._reference.record.uses().get(variation.factor_id, {}) if site]
        return Sensitivity(
            variation.factor_id,
            one.usual(seen(self._reference.record, one)),
            variation.to,
            difference,
            detail.final if detail else Final(),
            one.fix,
            tuple(Other(other.factor_id, other.to) for other in sorted(beside, key=lambda o: o.key)),
            sites[0] if len(sites) == 1 else None,
        )

    def _closed(self) -> VaryReport:
        self.report.seconds = time.monotonic() - self._began
        kept = [self._reference] if self._reference is not None else []
        if self.report.complete:
            self._partial.forget()
        self._lab.discard([trial for trial in kept if trial is not None])
        if self._reference is not None:
            finish(self._reference.record)
            self.report.records = [_relative(self._reference, self._lab.command.cwd)]
        return self.report


def _relative(trial: Trial, cwd: str) -> str:
    try:
        return str(trial.replica.run_dir.relative_to(cwd))
    except ValueError:
        return str(trial.replica.run_dir)
