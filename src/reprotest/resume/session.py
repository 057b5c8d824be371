"""The whole course of `resume`: straight through, first part, second part; compare; find what was lost."""

from __future__ import annotations

import time

from reprotest.diagnose.candidates import candidates
from reprotest.options import OnEvent, Stage, StageStarted, ignore
from reprotest.result import Verdict
from reprotest.resume.comparison import Comparison
from reprotest.resume.explain import explain
from reprotest.resume.report import ResumeReport
from reprotest.resume.runs import Commands, Failed, Runs
from reprotest.run.state import State
from reprotest.run.store import Store, full_disk_said


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
        runs = Runs(commands, timeout, store, state, on_event, report)
        comparison = Comparison(runs)
        try:
            _judge(runs, comparison)
            if report.verdict is Verdict.DIFFERENT:
                explain(runs, comparison)
        except Failed as error:
            report.error = str(error)
        except KeyboardInterrupt:
            report.interrupted = True
        finally:
            runs.close()
    report.seconds = time.monotonic() - began
    return report


def _judge(runs: Runs, comparison: Comparison) -> None:
    """Fill in verdict, place and first difference."""
    report = runs.report
    runs.on_event(StageStarted(Stage.REPEAT, 3))
    runs.three()
    before = comparison.before_the_stop()
    if before is not None and _hold_factors(runs):
        runs.three()
        before = comparison.before_the_stop()
    report.records = [trial.shown(runs.commands.full.cwd) for trial in runs.base.values()]
    if before is not None:
        report.verdict, report.first_difference = Verdict.DIFFERENT, before
        return
    outcome = comparison.after_the_stop(runs.base["second"])
    if comparison.start is not None:
        report.resumed_at = comparison.start.step
    report.compared = outcome.steps
    report.first_difference = outcome.difference
    if outcome.difference is None and not outcome.steps:
        raise Failed("the second command made no step that the full one made too, so there is nothing to compare")
    report.verdict = Verdict.IDENTICAL if outcome.difference is None else Verdict.DIFFERENT


def _hold_factors(runs: Runs) -> bool:
    """Hold every factor that the program uses and that makes it differ when merely repeated. False: there is none."""
    records = [runs.base["full"].record, runs.base["first"].record]
    ids = [c.id for c in candidates(records, files_differ=False) if c.seen and c.id != "file.order"]
    if not ids or runs.report.held:
        return False
    runs.report.held = ids
    runs.hold(ids)
    return True
