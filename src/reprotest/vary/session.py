"""The whole course of `vary`: hold everything, see that it repeats, then search for what changes the result."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from reprotest.diagnose.laboratory import Laboratory, Trial, differ, finish
from reprotest.factors import all_factors, factor
from reprotest.factors._kept import VARIABLE
from reprotest.factors.base import OWN_SEEDS
from reprotest.options import OnEvent, Stage, StageStarted, ignore
from reprotest.record import open_record
from reprotest.result import Difference
from reprotest.run.command import Command
from reprotest.run.guardian import guarded
from reprotest.run.replicate import Replica
from reprotest.run.state import State
from reprotest.run.store import Store, full_disk_said
from reprotest.vary.bench import Bench, Ground
from reprotest.vary.host import Failed, Gone, Host, OutOfBudget, Unstable
from reprotest.vary.options import VaryOptions, selected
from reprotest.vary.partial import Partial
from reprotest.vary.result import Final, Other, Sensitivity, Skipped, VaryReport, Verdict
from reprotest.vary.search import OTHER, SAME, Ask, Combination, Judged, groups, search, upcoming
from reprotest.vary.variations import Variation, fitting, seen

_ADDRESS = "memory.address"
_ENOUGH = 3
"""Runs that agree with the reference although something was varied."""
_SEVERAL_SEEDS = (
    "nothing, but report the result over several seeds, and take their spread as the measure of other differences"
)


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
            host = Host(Laboratory(command, store, state, on_event), options)
            return Session(command, options, store, host, on_event).carry_out()


class Session:
    """One search, wherever its runs are made.

    Args:
        command, options, on_event: as for `vary_session`.
        store: of the records.
        ground: where runs are made.
    """

    def __init__(
        self, command: Command, options: VaryOptions, store: Store, ground: Ground, on_event: OnEvent = ignore
    ) -> None:
        self._began = time.monotonic()
        self._options = options
        self._store = store
        self._ground = ground
        self._on_event = on_event
        self._cwd = command.cwd
        self._partial = Partial.at(store.root, command, options)
        if options.fresh:
            self._partial = Partial(self._partial.path)
        self._judged = Judged()
        self._variations: list[Variation] = []
        self._left: dict[Variation, str] = {}
        self._bench: Bench | None = None
        self._confirmed: list[Callable[[], Difference | None]] = []
        self._reference: Trial | None = None
        self._output = False
        self._why = ""
        self.report = VaryReport(Verdict.ERROR, list(command.shown))

    def carry_out(self) -> VaryReport:
        """Everything, to the report."""
        report = self.report
        try:
            self._search()
            report.verdict = Verdict.SENSITIVE if self._judged.sensitive else Verdict.INSENSITIVE
        except Failed as failed:
            report.error = str(failed)
            return self._closed()
        except Unstable as unstable:
            report.verdict, report.first_difference = Verdict.UNSTABLE, unstable.difference
        except OutOfBudget:
            report.complete, self._why = False, f"the budget of {self._options.budget:g} min was used up"
        except Gone as gone:
            report.complete, self._why = False, str(gone)
        except KeyboardInterrupt:
            report.interrupted, report.complete, self._why = True, False, "interrupted before it was tried"
        if not report.complete:
            report.verdict = Verdict.SENSITIVE if self._judged.sensitive else Verdict.INSENSITIVE
            if self._bench is None:
                report.verdict, report.error = Verdict.ERROR, f"nothing was varied: {self._why}"
        self._conclude()
        return self._closed()

    # --- the reference ------------------------------------------------------------------------------------------

    def _search(self) -> None:
        self._on_event(StageStarted(Stage.REPEAT, self._options.runs))
        first = self._ground.first(self._partial.without, identity=self._partial.identity)
        self._partial.without = self._ground.without
        self._describe(first)
        reference = self._continued(first)
        if reference is None:
            if self._partial.identity:
                first = self._start_anew()
            reference = self._repeated_somehow()
        wanted = selected(self._options.select, (one.id for one in all_factors()))
        self._variations, self.report.skipped = fitting(first.record, wanted, seeds=self._options.seeds)
        dropped = {one.factor_id for one in self._variations} & set(self._partial.without)
        self._variations = [one for one in self._variations if one.factor_id not in dropped]
        self.report.skipped += [Skipped(name, "the program does not run with it held") for name in dropped]
        self._on_event(StageStarted(Stage.VARY))
        last = [one for one in self._variations if factor(one.factor_id).presumes_stable(one.variant)]
        self._vary(reference, [one for one in self._variations if one not in last])
        self._vary_stable(last)

    def _vary_stable(self, variations: list[Variation]) -> None:
        """Judge what can only be judged of a program that repeats. Raises Unstable when it does not."""
        if self._bench is None:
            return
        self._left = dict.fromkeys(variations, "it says nothing of a program that differs when it is merely repeated")
        self._confirm()
        self._searched(variations, self._bench, self._bench.ask)
        self._confirm()

    def _searched(self, variations: list[Variation], bench: Bench, ask: Ask) -> None:
        """Judge these variations, and see to its end what differs."""
        before = self._judged.copy()
        bench.foresee = lambda most: upcoming(variations, before, bench.known, most)
        search(variations, ask, self._judged)
        self._seen_once_more(bench)

    def _vary(self, reference: Trial, variations: list[Variation]) -> None:
        """Judge these variations."""
        rest = [one for one in variations if one.factor_id != _ADDRESS]
        if not self._partial.identity:
            bench = self._new_bench(reference, len(groups(self._variations)))
            try:
                self._searched(variations, bench, partial(_ask, bench))
                return
            except _AddressesMatter as found:
                self._judged = Judged(sensitive={found.variation: frozenset()})
                self._seen_once_more(bench)
                rows = bench.rows
            reference = self._repeated(identity=True)
        else:
            rows = []
            guilty = [one for one in variations if self._partial.detail(one.key) and one not in rest]
            rest = rest if guilty else variations
            self._judged = Judged(sensitive=dict.fromkeys(guilty, frozenset()))
        bench = self._new_bench(reference, len(groups(rest)))
        bench.rows += rows
        self._searched(rest, bench, bench.ask)

    def _start_anew(self) -> Trial:
        """What was known before no longer holds."""
        self._partial = Partial(self._partial.path)
        first = self._ground.anew()
        self._partial.without = self._ground.without
        return first

    def _seen_once_more(self, bench: Bench) -> None:
        """What is said to change the result has done so in two runs: one may have differed by some accident of the machine."""
        sensitive, harmless = self._judged.sensitive, self._judged.harmless
        refuted = bench.details([variation for variation, beside in sensitive.items() if not beside])
        refuted += [one for one, beside in sensitive.items() if beside and bench.again(beside | {one}) != OTHER]
        for variation in refuted:
            del sensitive[variation]
            harmless.append(variation)

    def _new_bench(self, reference: Trial, expected: int) -> Bench:
        minutes = self._options.budget
        deadline = None if minutes is None else self._began + 60 * minutes
        self._bench = Bench(self._ground, self._partial, deadline)
        self._bench.expected = expected
        self._reference = reference
        return self._bench

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
            replica = Replica(run_dir, first.replica.ended, first.replica.exit_code, first.seconds)
            reference = Trial(replica, record)
            self._ground.adopt(reference)
            return reference
        record.close()
        self._store.remove(run_dir)
        return None

    def _repeated(self, *, identity: bool) -> Trial:
        """The reference. Raises Unstable when the command does not repeat."""
        reference = self._ground.repeated(identity=identity)
        self._partial.restart(str(reference.replica.run_dir), identity=identity)
        return reference

    def _repeated_somehow(self) -> Trial:
        """The same, with objects told apart by creation order where that is what it takes: where they lie cannot always be held."""
        try:
            return self._repeated(identity=False)
        except Unstable as unstable:
            try:
                return self._repeated(identity=True)
            except Unstable:
                raise unstable from None

    # --- the result ---------------------------------------------------------------------------------------------

    def _confirm(self) -> None:
        """What changes the result is one thing if the command repeats by itself, another if it does not. Asked once.

        Variations that left everything as it was have shown that it repeats with everything held.

        Raises:
            Unstable: it does not.
        """
        if not self._judged.sensitive or self._bench is None:
            return
        repeated = sum(row.outcome == SAME for row in self._bench.rows)
        if repeated < _ENOUGH:
            self._ask_whether_it_repeats(self._ground.again)
        if any(factor(one.factor_id).repeats for one in self._judged.sensitive):
            self._ask_whether_it_repeats(self._ground.free)

    def _ask_whether_it_repeats(self, ask: Callable[[], Difference | None]) -> None:
        if ask in self._confirmed:
            return
        difference = ask()
        if difference is not None:
            raise Unstable(difference)
        self._confirmed.append(ask)

    def _conclude(self) -> None:
        report, bench, judged = self.report, self._bench, self._judged
        if bench is None or self._reference is None:
            return
        by_factor: dict[str, list[Variation]] = {}
        for variation in self._variations:
            by_factor.setdefault(variation.factor_id, []).append(variation)
        for variation, beside in judged.sensitive.items():
            report.sensitive_to.append(self._sensitivity(bench, variation, beside))
            # Each of several that change the result only together matters as much as the one that was tried last.
            for other in sorted(beside, key=lambda one: one.key):
                rest = (beside - {other}) | {variation}
                report.sensitive_to.append(self._sensitivity(bench, other, rest))
        order = {one.id: number for number, one in enumerate(all_factors())}
        report.sensitive_to.sort(key=lambda item: order[item.factor])
        guilty = {item.factor for item in report.sensitive_to}
        for factor_id, variations in by_factor.items():
            together = {one for beside in judged.sensitive.values() for one in beside}
            tried = [one for one in variations if one in judged.harmless or one in judged.sensitive or one in together]
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
        own = variation.variant == OWN_SEEDS
        sites = [] if own else [site for site in self._reference.record.uses().get(variation.factor_id, {}) if site]
        return Sensitivity(
            variation.factor_id,
            "its own seeds" if own else one.usual(seen(self._reference.record, one)),
            variation.to,
            difference,
            detail.final if detail else Final(),
            _SEVERAL_SEEDS if own else one.remedy(variation.variant),
            tuple(Other(other.factor_id, other.to) for other in sorted(beside, key=lambda o: o.key)),
            sites[0] if len(sites) == 1 else None,
        )

    def _closed(self) -> VaryReport:
        self.report.seconds = time.monotonic() - self._began
        if self.report.complete:
            self._partial.forget()
        self._ground.close(self._reference)
        if self._reference is not None:
            finish(self._reference.record)
            self.report.records = [self._reference.shown(self._cwd)]
        return self.report
