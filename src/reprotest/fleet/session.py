"""The whole course of `run` on a cluster: each run on a worker of another host, as far as there are several.

Runs on one host that differ are a matter of chance, and that host finds the cause as it would by itself: all its experiments are pairs
on one machine. Where every host repeats its own result and two hosts differ, no chance explains it, and the hosts are compared
(`fleet.blame`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from reprotest.compare.platform import differing, platform
from reprotest.diagnose.laboratory import Trial, differ
from reprotest.diagnose.verdict import judge, watch
from reprotest.fleet import blame
from reprotest.fleet.cluster import Target, targets
from reprotest.fleet.replicates import Replicate, Replicates
from reprotest.fleet.sites import Lost, Sites
from reprotest.options import (
    ExperimentEnded,
    ExperimentStarted,
    OnEvent,
    RunOptions,
    Stage,
    StageStarted,
    ignore,
)
from reprotest.result import Difference, Experiment, RunReport, Verdict
from reprotest.run.command import Command
from reprotest.run.store import Store, full_disk_said

_SPARE = 1
"""Workers more than there are runs, for one that is lost."""
_FURTHER = 1000
"""Numbers of further runs begin here: of another number than the first, so that folders are listed in another order."""
_AT_LEAST, _AT_MOST = 2, 3
"""How often a host must have given its result before another host's is held against it; between these, as often as --runs says."""


def run_session(
    client: Any, words: Sequence[str], command: Command, options: RunOptions, on_event: OnEvent = ignore
) -> RunReport:
    """Repeat a command on the workers of a cluster and say whether, where and why its runs differ.

    Args:
        client: of the cluster.
        words: the command, a leading "--" included.
        command: the same, parsed here.
        options: how often, how far, how long.
        on_event: told of every run and experiment.

    Returns:
        The report; its verdict is ERROR when the command itself fails, or fewer than two runs came back. On an interrupt, what was
        found so far, with `interrupted` set.

    Raises:
        UsageError: the cluster has no workers, or the store cannot be written.
    """
    store = Store.at(command.cwd)
    given = {"runs": options.runs, "steps": options.steps, "timeout": options.timeout, "seed": options.seed}
    workers = targets(client)
    sites = Sites(client, "run", words, command.cwd, given, store, on_event)
    session = _Session(sites, command, options, store, on_event)
    with full_disk_said(store):
        try:
            session.repeat(workers)
            if session.report.verdict is Verdict.DIFFERENT and options.diagnose:
                session.diagnose()
        except KeyboardInterrupt:
            session.interrupted()
        finally:
            session.close()
    return session.report


class _Session:
    def __init__(self, sites: Sites, command: Command, options: RunOptions, store: Store, on_event: OnEvent) -> None:
        self._start = time.monotonic()
        self._sites = sites
        self._command = command
        self._options = options
        self._on_event = on_event
        self._runs = Replicates(sites, options, store, on_event)
        self._output_only = False
        self.report = RunReport(Verdict.ERROR, list(command.shown), options.runs, 0, 0.0)

    # --- repeat and compare -------------------------------------------------------------------------------------

    def repeat(self, workers: Sequence[Target]) -> None:
        """Run the command as often as asked, on as many workers as there are for it, and compare every run with the first."""
        self._on_event(StageStarted(Stage.REPEAT, self._options.runs))
        report = self.report
        for answer in self._sites.begin(workers[: self._options.runs + _SPARE]):
            report.unobserved.append(f"{answer.target.shown} took no part: {answer.why}")
        self._runs.repeat()
        self._list()
        if (said := self._sites.turns.said) is not None:
            report.unobserved.append(said)
        base = [one.trial for one in self._runs.base]
        if len(base) < 2:
            came = "only one run came back" if base else "no run came back"
            reasons = [*(f"{host.name}: {host.why}" for host in report.hosts if host.why), *report.unobserved]
            report.error = "\n".join([f"{came} from the cluster, so there is nothing to compare", *reasons])
            return
        self._output_only = judge(report, base, self._on_event).output_only
        if report.verdict is Verdict.IDENTICAL:
            platforms = [platform(trial.record) for trial in base]
            varied = {factor for other in platforms[1:] for factor in differing(platforms[0], other)}
            report.not_varied = [factor for factor in report.not_varied if factor not in varied]

    def _list(self) -> None:
        base = [one.trial for one in self._runs.base]
        report = self.report
        report.runs = len(base)
        report.hosts = sorted(self._runs.hosts, key=lambda host: host.run)
        report.exit_codes = [t.replica.exit_code if t.replica.exit_code is not None else 0 for t in base]
        report.records = [trial.shown(self._command.cwd) for trial in base]

    # --- chance on one host, or the hosts? ----------------------------------------------------------------------

    def diagnose(self) -> None:
        """Find out whether one host differs from itself, and the cause there; else what it is about the hosts."""
        self._on_event(StageStarted(Stage.EXPERIMENT))
        try:
            pair = self._on_one_host() or self._once_more()
            if pair is not None:
                self._chance(*pair)
            else:
                first, other = self._sides()
                blame.hosts(self.report, self._runs, first, other, self._command.cwd, self._options.timeout)
                watch(self.report, [one.trial for one in self._runs.base], {})
        except Lost as lost:
            self.report.unobserved.append(f"the search for the cause ended when a worker was lost: {lost}")

    def _on_one_host(self) -> tuple[Replicate, Replicate] | None:
        """Two of the runs so far that were made by one worker and differ."""
        for target in self._sites.open:
            mine = [one for one in self._runs.base if one.target == target]
            for other in mine[1:]:
                if self._differ(mine[0], other) is not None:
                    return mine[0], other
        return None

    def _sides(self) -> tuple[Replicate, Replicate]:
        """The first run, and the first that differs from it."""
        first, *others = self._runs.base
        return first, next(other for other in others if self._differ(first, other) is not None)

    def _once_more(self) -> tuple[Replicate, Replicate] | None:
        """Have both workers repeat what they did. Returns two runs of one that differ; None when both repeat themselves.

        Raises:
            Lost: one of them is gone.
        """
        enough = min(max(self._options.runs, _AT_LEAST), _AT_MOST)
        sides = {one.target: one for one in self._sides()}
        numbers: dict[int, Target] = {}
        for target in sides:
            if target not in self._sites.open:
                raise Lost(f"{target.shown} is gone, so it was not seen whether it repeats its own result")
            for _ in range(enough - self._runs.counts[target]):
                numbers[_FURTHER + len(numbers)] = target
        for count, target in enumerate(numbers.values(), start=1):
            self._on_event(ExperimentStarted(f"once more on {target.shown}", None, count, len(numbers)))
        again = self._runs.again(numbers)
        found = None
        for number, target in numbers.items():
            if number not in again:
                raise Lost(f"{target.shown} did not repeat its run, so it was not seen whether it gives the same again")
            difference = self._differ(sides[target], again[number])
            self._row(f"once more on {target.shown}", again[number].trial, difference)
            if difference is not None and found is None:
                found = sides[target], again[number]
        return found

    def _chance(self, first: Replicate, other: Replicate) -> None:
        """Two runs of one worker differ: it goes on from there as it would by itself.

        Raises:
            Lost: it is gone.
        """
        target = first.target
        self._sites.crew.patience = None  # every run there has a time-out of its own
        try:
            self._told(target, self._sites.do(target, "diagnose", first.name, other.name))
        except KeyboardInterrupt:
            found = self._sites.stopped(target)
            if found is not None:
                self._told(target, found)
            raise

    def _told(self, target: Target, document: dict[str, Any]) -> None:
        """What a worker has found."""
        found, report = RunReport.from_json(document), self.report
        report.first_difference = found.first_difference or report.first_difference
        report.causes, report.located, report.watched = found.causes, found.located, found.watched
        report.experiments += found.experiments
        report.unobserved += [said for said in found.unobserved if said not in report.unobserved]
        if len({host.host for host in report.hosts}) > 1:
            report.unobserved.append(
                f"the cause was looked for on {target.shown} alone, which differs from itself: whether hosts differ from each other "
                "besides can be told once that is mended"
            )

    # --- the rest -----------------------------------------------------------------------------------------------

    def _differ(self, a: Replicate, b: Replicate) -> Difference | None:
        return differ(a.trial.record, b.trial.record, output=self._output_only)[0]

    def _row(self, what: str, trial: Trial, difference: Difference | None) -> None:
        result = "identical" if difference is None else "different"
        row = Experiment(what, None, result, round(trial.seconds, 3), difference=difference)
        self.report.experiments.append(row)
        self._on_event(ExperimentEnded(row))

    def interrupted(self) -> None:
        """What has been found so far still counts."""
        self.report.interrupted = True
        self._sites.stop()
        self._list()

    def close(self) -> None:
        """The last call."""
        self.report.seconds = time.monotonic() - self._start
        if not self._options.keep:
            self._runs.discard()
        self._sites.close()
