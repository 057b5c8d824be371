"""One machine on which a command is held still, and then run under variations: every pair of runs that is compared is of one machine."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reprotest.compare.made import as_made
from reprotest.diagnose.experiments import RISKY
from reprotest.diagnose.laboratory import Course, Laboratory, Trial, differ
from reprotest.diagnose.locate import BEFORE, refined
from reprotest.factors import Setting, factor
from reprotest.options import ExperimentEnded, ExperimentStarted, RunEnded, RunStarted
from reprotest.record import Record
from reprotest.result import Difference, Experiment
from reprotest.run.replicate import Ended, describe_exit
from reprotest.vary.options import VaryOptions
from reprotest.vary.partial import Detail, Known
from reprotest.vary.result import Final
from reprotest.vary.search import OTHER, SAME, UNKNOWN, Combination
from reprotest.vary.sizes import final
from reprotest.vary.variations import Variation, starting

_PATIENCE, _COMPILING = 4.0, 240.0
"""A variation may take so many times as long as the reference, and so many seconds more for a compiler."""
_TRAINING = ("init", "data", "forward", "loss", "backward", "update")


class Failed(Exception):
    """The command itself fails; says how."""


class Unstable(Exception):
    """Two runs with everything held differ."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(difference)
        self.difference = difference


class OutOfBudget(Exception):
    """No other run is to be begun."""


class Gone(Exception):
    """There is no machine left to run on; says why."""


@dataclass(frozen=True)
class Question:
    """What is to be found out.

    Attributes:
        combination: the variations that are on.
        seen: how a run under the one variation and others differed; then it is run to its end, and observed finely there. One that is
            to be tried first is run to its end in any case.
        number, of: of the experiment, and of how many, for who watches.
        left: seconds after which no run is to be begun; None: no limit.
    """

    combination: Combination
    seen: Difference | None = None
    number: int = 1
    of: int | None = None
    left: float | None = None


@dataclass(frozen=True)
class Answer:
    """What came out: the outcome, and of a run to its end the details."""

    known: Known
    seconds: float
    detail: Detail | None = None


class Host:
    """This machine.

    Args:
        lab: carries out the runs.
        options: how far, how long, and how often the command must repeat.

    Attributes:
        without: factors that cannot be held.
        identity: are objects told apart by creation order?
    """

    places = 1
    """How many questions can be worked at side by side."""

    def __init__(self, lab: Laboratory, options: VaryOptions) -> None:
        self.without: list[str] = []
        self.identity = False
        self._lab = lab
        self._options = options
        self._last = None if options.steps is None else options.steps - 1
        self._output = False
        self._fresh: Trial | None = None
        self._reference: Trial | None = None
        self._fine: dict[int, Trial | None] = {}
        self._deadline: float | None = None

    # --- the reference ------------------------------------------------------------------------------------------

    def first(self, without: Sequence[str], *, identity: bool) -> Trial:
        """The command with everything held. Pins under which it does not run are given up one by one.

        Whatever the runs change from here on is put back in the end.

        Args:
            without: factors that are known not to let it run.
            identity: tell objects apart by creation order.

        Raises:
            Failed: it does not run at all.
        """
        self._lab.state.freeze(leave="before")
        self.without, self.identity = list(without), identity
        self._fresh = self._first()
        self._output = self._fresh.record.is_indirect
        self._lab.state.mark()
        return self._fresh

    def anew(self) -> Trial:
        """The same once more, when nothing that was known holds. Raises Failed."""
        self.without, self.identity = [], False
        self._fresh = self._first()
        return self._fresh

    def repeated(self, *, identity: bool) -> Trial:
        """The command again, as often as asked, with its first and last values kept: the reference.

        Raises:
            Unstable: it does not repeat.
        """
        first = self._fresh
        if first is None or identity != self.identity:
            self.identity = identity
            first = self._run()
        self._fresh = None
        keep = ends(first.record.steps)
        reference = first
        for number in range(2, self._options.runs + 1):
            reference = self._run(number=number, against=first, keep=keep)
            if reference.difference is not None:
                raise Unstable(reference.difference)
        self.adopt(reference)
        return reference

    def adopt(self, reference: Trial) -> None:
        """From now on compare with this run: the reference of an interrupted session."""
        self._reference = reference
        self._fine = {}

    def _first(self) -> Trial:
        risky = [name for name in RISKY if factor(name).start == 0 and name not in self.without]
        while True:
            first = self._run()
            if first.replica.ended is Ended.TIMEOUT:
                raise Failed(
                    f"a run took longer than {self._options.timeout:g} s and was ended: "
                    "give a longer --timeout, or look at fewer steps with --steps"
                )
            if not first.replica.failed:
                return first
            if not self.without:
                free = self._lab.run({}, Course(stop_after_step=self._last), timeout=self._options.timeout)
                if free.replica.failed:
                    tail = free.replica.stderr_tail()
                    said = f"the command {describe_exit(free.replica.exit_code)}"
                    raise Failed(said + (f":\n{tail}" if tail else ""))
            if not risky:
                raise Failed(
                    f"with everything held the command {describe_exit(first.replica.exit_code)}:\n"
                    f"{first.replica.stderr_tail()}"
                )
            self.without = [*self.without, risky.pop(0)]

    def _run(self, *, number: int = 1, against: Trial | None = None, keep: tuple[int, ...] = ()) -> Trial:
        expected = against.record.steps if against is not None else self._options.steps
        self._lab.on_event(RunStarted(number, self._options.runs, expected))
        trial = self._lab.run(
            self._settings,
            Course(values=bool(keep), keep=keep, stop_after_step=self._last),
            reference=against.record if against is not None else None,
            output=self._output and against is not None,
            timeout=self._options.timeout,
        )
        self._lab.on_event(RunEnded(number, trial.seconds, trial.record.steps, trial.replica.exit_code))
        self._lab.check_room()
        return trial

    @property
    def _settings(self) -> dict[str, Setting]:
        return starting(self._options.seed, identity=self.identity, without=self.without)

    # --- variations ---------------------------------------------------------------------------------------------

    def ahead(self, questions: Sequence[Question]) -> None:
        """What will likely be asked soon: one machine does one thing at a time."""

    def ask(self, question: Question) -> Answer:
        """One run under some variations or, of one that is known to differ, one to its end and finely observed.

        Where the program fails it is run again: that it lacked memory or a connection for once says nothing of the variations.

        Raises:
            OutOfBudget: there is no time left to begin it.
        """
        answer = self._asked(question)
        return self._asked(question) if answer.known.outcome == OTHER and answer.known.note else answer

    def _asked(self, question: Question) -> Answer:
        self._deadline = None if question.left is None else time.monotonic() + question.left
        combination = question.combination
        only = next(iter(combination)) if len(combination) == 1 else None
        if only is not None and (question.seen is not None or only.first):
            return self._whole(question, only, question.seen)
        trial = self._varied(question, combination, Course(stop_after_step=self._last), self.reference.record)
        return Answer(self._judge(combination, trial), trial.seconds)

    def again(self) -> Difference | None:
        """The reference once more: does it still repeat?"""
        self._deadline = None
        question = Question(frozenset())
        course = Course(stop_after_step=self._last)
        return self._varied(question, frozenset(), course, self.reference.record).difference

    def free(self) -> Difference | None:
        """Two runs with nothing held but the files that they start from, and their order."""
        settings = {name: Setting(self._options.seed) for name in ("file.order", "external.state")}
        course = Course(stop_after_step=self._last)
        first = self._lab.run(settings, course, timeout=self._options.timeout)
        second = self._lab.run(
            settings, course, reference=first.record, output=self._output, timeout=self._options.timeout
        )
        return second.difference

    @property
    def reference(self) -> Trial:
        """What everything is compared with. There is one once `repeated` or `adopt` was called."""
        assert self._reference is not None
        return self._reference

    def _whole(self, question: Question, variation: Variation, seen: Difference | None) -> Answer:
        """One run to its end, observed finely where it is expected to differ."""
        one = frozenset({variation})
        step = seen.step if seen is not None and seen.phase in _TRAINING else None
        finely = self._finely and step is not None and not self._output and _observable(variation)
        reference = self._fine_reference(question, step) if finely and step is not None else None
        course = Course(
            level="operators" if reference is not None else "steps",
            window=(step, step) if step is not None else None,
            values=True,
            keep=ends(self.reference.record.steps),
            stop_after_step=self._last,
        )
        trial = self._varied(question, one, course, None)
        against = (reference or self.reference).record
        trial = replace(trial, difference=differ(against, trial.record, output=self._output)[0])
        if reference is not None and trial.difference is None:  # by itself it differs later, or not at all
            trial = self._varied(question, one, Course(stop_after_step=self._last), self.reference.record)
            return Answer(self._judge(one, trial), trial.seconds)
        known = self._judge(one, trial)
        if known.outcome != OTHER or known.difference is None:
            return Answer(known, trial.seconds)
        placed = known.difference
        if seen is not None and reference is not None:
            made = as_made(reference.record, trial.record, seen) if seen.phase in BEFORE else None
            placed = refined(seen, [d for d in (made, known.difference) if d is not None])
        end = Final()
        if self._output:  # what was printed is all that is known of the end
            end = Final(placed.max_abs, placed.max_rel, placed.ulp)
        elif not trial.replica.failed:
            end = final(self.reference.record, trial.record)
        return Answer(replace(known, difference=placed), trial.seconds, Detail(placed, end))

    @property
    def _finely(self) -> bool:
        """May operators be observed? Not in a program that compiles its model: that would be another program."""
        return not any("compile" in told for told in self.reference.record.extras("torch.kernels"))

    def _fine_reference(self, question: Question, step: int) -> Trial | None:
        """The reference once more, up to the step and finely observed there; None when it does not run like that."""
        if step not in self._fine:
            course = Course(level="operators", window=(step, step), values=True, stop_after_step=step)
            trial = self._varied(question, frozenset(), course, None)
            self._fine[step] = trial if trial.usable else None
        return self._fine[step]

    def _varied(self, question: Question, combination: Combination, course: Course, reference: Record | None) -> Trial:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise OutOfBudget
        told = ", ".join(said(combination)) or "as it is"
        lone = next(iter(combination)).factor_id if len(combination) == 1 else None
        self._lab.on_event(ExperimentStarted(_short(told), lone, question.number, question.of))
        trial = self._lab.run(
            varied(self._settings, combination),
            course,
            reference=reference,
            output=self._output and reference is not None,
            timeout=self._options.timeout or _PATIENCE * self.reference.seconds + _COMPILING,
        )
        outcome = OTHER if trial.difference else SAME if trial.usable else UNKNOWN
        self._lab.on_event(ExperimentEnded(Experiment(told, lone, outcome, trial.seconds)))
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

    # --- the end ------------------------------------------------------------------------------------------------

    def close(self, keep: Trial | None) -> None:
        """Remove the records of all runs but one, which is sealed."""
        self._lab.discard([keep] if keep is not None else [])


def varied(settings: Mapping[str, Setting], combination: Combination) -> dict[str, Setting]:
    """The settings with these variations on."""
    changed = dict(settings)
    for variation in combination:
        held = changed.get(variation.factor_id, Setting())
        changed[variation.factor_id] = replace(held, variant=variation.variant)
    return changed


def ends(steps: int) -> tuple[int, ...]:
    """Of a run of so many steps the first, the last, and what comes after it."""
    return tuple(sorted({0, max(steps - 1, 0), steps}))


def said(combination: Combination) -> tuple[str, ...]:
    """A combination for people, a text each."""
    return tuple(sorted(variation.said for variation in combination))


def _short(text: str, most: int = 100) -> str:
    return text if len(text) <= most else f"{text[:most]} …"


def _observable(variation: Variation) -> bool:
    """Can operators be compared one by one? A dispatch mode, besides, sends compiled code back to eager."""
    return not factor(variation.factor_id).other_operators(variation.variant)
