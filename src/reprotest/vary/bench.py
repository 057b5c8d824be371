"""Carries out the runs that the search asks for: each combination once, compared with the reference, remembered."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from reprotest.diagnose.laboratory import Course, Laboratory, Trial, differ
from reprotest.diagnose.locate import refined
from reprotest.factors import Setting, factor
from reprotest.options import ExperimentEnded, ExperimentStarted
from reprotest.record import Record
from reprotest.result import Difference, Experiment
from reprotest.run.replicate import Ended, describe_exit
from reprotest.vary import result
from reprotest.vary.partial import Detail, Known, Partial
from reprotest.vary.search import OTHER, SAME, UNKNOWN, Combination
from reprotest.vary.sizes import final
from reprotest.vary.variations import Variation

_TRAINING = ("init", "data", "forward", "loss", "backward", "update")


class OutOfBudget(Exception):
    """No other run is to be begun."""


class Bench:
    """The runs of one search.

    Args:
        lab: carries them out.
        reference: the run with everything held, with its values at steps 0, last and after it.
        settings: of the reference.
        partial: where outcomes are remembered.
        last: the last step that is looked at; None: to the program's end.
        output: nothing but the output can be compared.
        finely: may operators be observed? Not in a program that compiles its model: that would be another program.
        timeout: seconds that one run may take.
        deadline: `time.monotonic()` after which none is begun.
    """

    def __init__(
        self,
        lab: Laboratory,
        reference: Trial,
        settings: Mapping[str, Setting],
        partial: Partial,
        *,
        last: int | None,
        output: bool,
        finely: bool,
        timeout: float,
        deadline: float | None,
    ) -> None:
        self.rows: list[result.Trial] = []
        self.expected = 0
        self.resumed = 0
        self._lab = lab
        self._reference = reference
        self._settings = settings
        self._partial = partial
        self._last = last
        self._output = output
        self._finely = finely
        self._timeout = timeout
        self._deadline = deadline
        self._fine: dict[int, Trial | None] = {}

    @property
    def keep(self) -> tuple[int, ...]:
        """The steps at whose end values are kept: what the run began with, and what it ended with."""
        return ends(self._reference.record.steps)

    def ask(self, combination: Combination) -> str:
        """The outcome of a run under these variations. One of a single variation goes to its end when it is known to differ.

        Raises:
            OutOfBudget: it is not known, and there is no time to find out.
        """
        key = key_of(combination)
        known = self._partial.outcomes.get(key)
        if known is not None:
            if not any(row.what == _said(combination) for row in self.rows):
                self._row(combination, known, 0.0)
                self.resumed += 1
            return known.outcome
        (only,) = combination if len(combination) == 1 else (None,)
        before = self._seen(only) if only is not None else None
        if only is not None and before is not None:
            known, seconds = self._whole(only, before)
        else:
            trial = self._run(combination, Course(stop_after_step=self._last), self._reference.record)
            known, seconds = self._judge(combination, trial), trial.seconds
        self._partial.outcomes[key] = known
        self._partial.write()
        self._row(combination, known, seconds)
        return known.outcome

    def detail(self, variation: Variation) -> Detail:
        """A variation that is known to differ, seen to its end. Raises OutOfBudget."""
        key = key_of(frozenset({variation}))
        if self._partial.detail(key) is None:
            difference = self._partial.outcomes[key].difference
            if difference is None or difference.kind in ("exit", "died"):
                return Detail(difference, result.Final())
            self._whole(variation, difference)
            self._partial.write()
        return self._partial.detail(key) or Detail(self._partial.outcomes[key].difference, result.Final())

    def difference(self, combination: Combination) -> Difference | None:
        """Where a run under these variations differed first."""
        known = self._partial.outcomes.get(key_of(combination))
        return known.difference if known is not None else None

    def note(self, variation: Variation) -> str:
        """Why the program did not run under a variation."""
        known = self._partial.outcomes.get(key_of(frozenset({variation})))
        return (known.note if known is not None else None) or "the program does not run under it"

    def again(self) -> Difference | None:
        """The reference once more: does it still repeat?"""
        trial = self._run(frozenset(), Course(stop_after_step=self._last), self._reference.record)
        return trial.difference

    # --- one run ------------------------------------------------------------------------------------------------

    def _whole(self, variation: Variation, seen: Difference) -> tuple[Known, float]:
        """One run to its end, observed finely where it is expected to differ."""
        one = frozenset({variation})
        step = seen.step if seen.phase in _TRAINING else None
        finely = self._finely and step is not None and not self._output and _observable(variation)
        reference = self._fine_reference(step) if finely and step is not None else None
        course = Course(
            level="operators" if reference is not None else "steps",
            window=(step, step) if step is not None else None,
            values=True,
            keep=self.keep,
            stop_after_step=self._last,
        )
        trial = self._run(one, course, None)
        against = (reference or self._reference).record
        trial = replace(trial, difference=differ(against, trial.record, output=self._output)[0])
        if reference is not None and trial.difference is None:  # by itself it differs later, or not at all
            trial = self._run(one, Course(stop_after_step=self._last), self._reference.record)
            return self._judge(one, trial), trial.seconds
        known = self._judge(one, trial)
        if known.outcome == OTHER and known.difference is not None:
            placed = refined(seen, [known.difference]) if reference is not None else known.difference
            known = replace(known, difference=placed)
            end = result.Final()
            if self._output:  # what was printed is all that is known of the end
                end = result.Final(placed.max_abs, placed.max_rel, placed.ulp)
            elif not trial.replica.failed:
                end = final(self._reference.record, trial.record)
            self._partial.details[key_of(one)] = Detail(placed, end)
        return known, trial.seconds

    def _fine_reference(self, step: int) -> Trial | None:
        """The reference once more, up to the step and finely observed there; None when it does not run like that."""
        if step not in self._fine:
            course = Course(level="operators", window=(step, step), values=True, stop_after_step=step)
            trial = self._run(frozenset(), course, None)
            self._fine[step] = trial if trial.usable else None
        return self._fine[step]

    def _run(self, combination: Combination, course: Course, reference: Record | None) -> Trial:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise OutOfBudget
        said = ", ".join(_said(combination)) or "as it is"
        lone = next(iter(combination)).factor_id if len(combination) == 1 else None
        number = len(self.rows) + 1
        self._lab.on_event(ExperimentStarted(_short(said), lone, number, max(number, self.expected) or None))
        settings = dict(self._settings)
        for variation in combination:
            held = settings.get(variation.factor_id, Setting())
            settings[variation.factor_id] = replace(held, variant=variation.variant)
        trial = self._lab.run(
            settings, course, reference=reference, output=self._output and reference is not None, timeout=self._timeout
        )
        outcome = OTHER if trial.difference else SAME if trial.usable else UNKNOWN
        self._lab.on_event(ExperimentEnded(Experiment(said, lone, outcome, trial.seconds)))
        return trial

    def _judge(self, combination: Combination, trial: Trial) -> Known:
        if trial.replica.ended is Ended.TIMEOUT:
            return Known(UNKNOWN, None, f"it took longer than {trial.seconds:.0f} s and was ended")
        if trial.replica.failed and trial.difference is not None:
            tail = trial.replica.stderr_tail(1).strip()
            note = f"the program {describe_exit(trial.replica.exit_code)}" + (f": {tail[:200]}" if tail else "")
            if trial.difference.kind in ("exit", "died", "length", "missing"):
                if any(factor(one.factor_id).may_fail(one.variant) for one in combination):
                    return Known(UNKNOWN, None, note)
                return Known(OTHER, replace(trial.difference, note=note), note)
        return Known(SAME if trial.difference is None else OTHER, trial.difference)

    def _seen(self, variation: Variation) -> Difference | None:
        """The difference of an earlier run under this variation and others."""
        for key, known in self._partial.outcomes.items():
            if variation.key in key.split("|") and known.outcome == OTHER and known.difference is not None:
                return known.difference if known.difference.kind not in ("exit", "died") else None
        return None

    def _row(self, combination: Combination, known: Known, seconds: float) -> None:
        self.rows.append(
            result.Trial(_said(combination), known.outcome, round(seconds, 3), known.difference, known.note)
        )


def ends(steps: int) -> tuple[int, ...]:
    """Of a run of so many steps the first, the last, and what comes after it."""
    return tuple(sorted({0, max(steps - 1, 0), steps}))


def key_of(combination: Combination) -> str:
    """Names a combination in files."""
    return "|".join(sorted(variation.key for variation in combination))


def _said(combination: Combination) -> tuple[str, ...]:
    return tuple(sorted(variation.said for variation in combination))


def _short(said: str, most: int = 100) -> str:
    return said if len(said) <= most else f"{said[:most]} …"


def _observable(variation: Variation) -> bool:
    """Does observing operators leave what this variation changes as it is? A dispatch mode sends compiled code back to eager."""
    return not factor(variation.factor_id).compiles(variation.variant)
