"""Frees one factor while all others are held: it is given another value, or left to chance where only that is decisive.

Chance must make free runs differ from one another: where every free run gives the same other numbers, the pin moved them, not chance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from reprotest.diagnose.bench import DIFFERENT, IDENTICAL, INCONCLUSIVE, Bench, why
from reprotest.diagnose.candidates import Candidate
from reprotest.diagnose.laboratory import Settings, Trial
from reprotest.factors import Setting
from reprotest.result import Difference, Experiment

_LUCK = "it differed once, and not when it was tried again"
_MOVED = "holding it changes the numbers, but left to vary they are the same every time"


@dataclass(frozen=True)
class Freed:
    """What came of freeing one factor.

    Attributes:
        row: of the report's table.
        settings: of the last run.
        moved: how free runs differ from the reference that do not differ among themselves.
        by_luck: a run differed, and others like it did not.
    """

    row: Experiment
    settings: Settings
    moved: Difference | None
    by_luck: bool


def free(
    bench: Bench,
    candidate: Candidate,
    pinned: Settings,
    reference: Trial,
    how: str = "the rest pinned",
    again: int = 1,
) -> Freed:
    """Everything as in the reference but this one factor.

    Args:
        again: in so many further runs the difference must show again. Once may have been a race that nothing holds, or the machine.
    """
    settings: Settings = pinned
    moved: Difference | None = None
    by_luck = False

    def by_value() -> tuple[str, list[Trial], str | None]:
        nonlocal settings
        trials: list[Trial] = []
        for settings in _values(candidate, pinned):
            trial = bench.trial(settings, reference)
            trials.append(trial)
            if trial.difference is not None:
                return shown(trials)
            if not trial.usable:
                return INCONCLUSIVE, trials, why(trial)
        return (IDENTICAL, trials, None) if trials else (INCONCLUSIVE, trials, "it has no other value here")

    def by_chance() -> tuple[str, list[Trial], str | None]:
        nonlocal settings, moved
        settings = {id: held for id, held in pinned.items() if id != candidate.id}
        trials: list[Trial] = []
        while len(trials) < candidate.factor.frees and (not trials or trials[-1].difference is None):
            trials.append(bench.trial(settings, reference))
            if trials[-1].difference is None and not trials[-1].usable:
                return INCONCLUSIVE, trials, why(trials[-1])
        moved = trials[0].difference
        if moved is not None and _free_runs_agree(bench, candidate, settings, trials):
            return IDENTICAL, trials, _MOVED
        moved = None
        different = any(trial.difference is not None for trial in trials)
        return shown(trials) if different else (IDENTICAL, trials, None)

    def shown(trials: list[Trial]) -> tuple[str, list[Trial], str | None]:
        nonlocal by_luck
        wanted, misses = again, max(2 * candidate.factor.frees, 1)
        while wanted:
            trials.append(bench.trial(settings, reference))
            if trials[-1].difference is not None:
                wanted -= 1
            elif misses and (candidate.factor.frees or not trials[-1].usable):  # chance need not show every time
                misses -= 1
            else:
                by_luck = trials[-1].usable
                return INCONCLUSIVE, trials, _LUCK if by_luck else why(trials[-1])
        return DIFFERENT, trials, None

    work = by_chance if candidate.factor.frees else by_value
    row = bench.row(f"{candidate.id} left to vary, {how}", candidate.id, work)
    return Freed(row, settings, moved, by_luck)


def _free_runs_agree(bench: Bench, candidate: Candidate, settings: Settings, trials: list[Trial]) -> bool:
    """Do runs under these settings all give the same, although the first of them, `trials[0]`, differs from the pinned run?

    That one ended where it differed. Adds the further runs to `trials`.
    """
    whole = bench.trial(settings)
    trials.append(whole)
    if not whole.usable or bench.differ(trials[0], whole) is not None:
        return False
    for _ in range(candidate.factor.frees - 1):
        trials.append(bench.trial(settings, whole))
        if trials[-1].difference is not None or not trials[-1].usable:
            return False
    return True


def _values(candidate: Candidate, reference: Settings) -> list[dict[str, Setting]]:
    """The settings of the runs that give one candidate another value.

    What can also act unseen is first varied where the program is seen to use it, and nowhere else: whether those lines are to blame.
    """
    held = reference[candidate.id]
    tries = candidate.factor.tries if candidate.sites else max(candidate.factor.tries, candidate.factor.tries_unseen)
    variants = [v for v in range(1, tries + 1) if candidate.factor.perturb(v) is not None]
    values = [replace(held, variant=variant) for variant in variants]
    if candidate.factor.unseen and candidate.sites and values:
        values.insert(0, replace(values[0], only=tuple(candidate.sites)))
    return [{**reference, candidate.id: value} for value in values]
