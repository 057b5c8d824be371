"""Names the pieces of the state that were lost: what of them, put back, makes the resumed run agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reprotest.diagnose.laboratory import Trial
from reprotest.options import Stage, StageStarted
from reprotest.probe.resumption import kept
from reprotest.probe.resumption.variables import HELD
from reprotest.result import Difference
from reprotest.resume import plans
from reprotest.resume.comparison import Comparison
from reprotest.resume.experiments import Tried, find_lost
from reprotest.resume.pieces import data_for, differing, idle, kept_pieces, replaced
from reprotest.resume.runs import AFTER_FIRST, BEFORE, Runs, pieces_of, stem_of
from reprotest.run.replicate import describe_exit


def explain(runs: Runs, comparison: Comparison) -> None:
    """Fill in the causes in the report, where the state can be put back from a run that has it."""
    baseline = runs.report.first_difference
    if comparison.start is None or baseline is None or runs.state.refused:
        return
    if runs.plain is not None:
        _from_first_run(runs, comparison, runs.plain, baseline)
    elif comparison.start.exact:
        _from_full_run(runs, comparison, comparison.start.step, baseline)


def _from_full_run(runs: Runs, comparison: Comparison, step: int, baseline: Difference) -> None:
    """With the full run's state after so many steps, which another run like it keeps."""
    report, stream = runs.report, comparison.stream
    runs.on_event(StageStarted(Stage.EXPERIMENT))
    full, second = runs.base["full"], runs.base["second"]
    again = runs.run(
        "full",
        plans.keeping(step),
        BEFORE,
        reference=full.record,
        stop_after_step=step,
        window=(step, step),
        values=True,
    )
    if again.difference is not None or not again.usable:
        report.unobserved.append("the full run does not repeat, so nothing can be put back from it; try `run`")
        return
    report.first_difference = comparison.measured(again.record, baseline)
    ours, theirs = pieces_of(again, stream), pieces_of(second, stream)
    ours.log = pieces_of(full, stream).log
    data = runs.root / "resume-data"
    for key in full.record.streams:
        p, q = pieces_of(full, key).log, pieces_of(second, key).log
        if p and q:
            kept.write(data, f"{stem_of(key)}.data", data_for(p, q, step))

    def order(details: frozenset[str]) -> dict[str, Any]:
        return plans.restoring(details, again.replica.run_dir, data, theirs.loads, runs.checkpoint)

    differ = differing(ours, theirs, step)
    unlikely = idle(ours) & differ.keys() | {name for name in differ if name.startswith(HELD)}
    attempt = _attempts(runs, comparison, order)
    report.causes = find_lost(differ, unlikely, baseline, attempt, runs.on_event, report.experiments)


def _from_first_run(runs: Runs, comparison: Comparison, plain: plans.Plain, baseline: Difference) -> None:
    """Where no optimizer of PyTorch's trains: with the state of the first run when it saved its last file."""
    report, stream = runs.report, comparison.stream
    loads = pieces_of(runs.base["second"], stream).loads
    if not loads:
        report.unobserved.append("no function was seen by which the second command reads what the first one has saved")
        return
    runs.on_event(StageStarted(Stage.EXPERIMENT))
    again = runs.run("first", plans.keeping_saved(plain), BEFORE)
    held = kept_pieces(pieces_of(again, stream))
    if not held:
        report.unobserved.append("nothing was kept of the first run's state, so nothing can be put back from it")
        return

    def order(details: frozenset[str]) -> dict[str, Any]:
        return plans.restoring(details, again.replica.run_dir, again.replica.run_dir, loads, plain=plain)

    def was_lost(trial: Trial) -> None:
        held.update(replaced(pieces_of(trial, stream)))  # of all that was kept, this is what was lost

    report.causes = find_lost(
        held,
        {name for name in held if name.startswith(HELD)},
        baseline,
        _attempts(runs, comparison, order, was_lost),
        runs.on_event,
        report.experiments,
        differing=False,
        source="the first run",
    )


def _attempts(
    runs: Runs,
    comparison: Comparison,
    order: Callable[[frozenset[str]], dict[str, Any]],
    then: Callable[[Trial], None] | None = None,
) -> Callable[[frozenset[str]], Tried]:
    """A function that runs the second command with some pieces put back. `then` is given the run."""
    report = runs.report

    def attempt(details: frozenset[str]) -> Tried:
        trial = runs.run("second", order(details), AFTER_FIRST)
        if then is not None:
            then(trial)
        report.unobserved = list(dict.fromkeys([*report.unobserved, *trial.record.notes()]))
        note = None if trial.usable else _said(trial)
        return Tried(comparison.after_the_stop(trial).difference, trial.seconds, trial.usable, note)

    return attempt


def _said(failed: Trial) -> str:
    tail = failed.replica.stderr_tail(1).strip()
    return f"the second command {describe_exit(failed.replica.exit_code)}" + (f": {tail[:200]}" if tail else "")
