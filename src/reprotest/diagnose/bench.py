"""The experiments of one diagnosis: runs under chosen settings, compared in lockstep, each a row of the report's table."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reprotest.diagnose.candidates import Candidate
from reprotest.diagnose.laboratory import Course, Laboratory, Settings, Trial, differ
from reprotest.factors import Setting
from reprotest.options import ExperimentEnded, ExperimentStarted
from reprotest.result import Difference, Experiment

IDENTICAL, DIFFERENT, INCONCLUSIVE = "identical", "different", "inconclusive"


class Bench:
    """The experiments of one diagnosis: each is a row of the report's table."""

    def __init__(
        self, lab: Laboratory, course: Course, whole: Course, *, output: bool, timeout: float, seed: int
    ) -> None:
        """Nothing is run yet.

        Args:
            lab: carries out the runs.
            course: how far they go.
            whole: how far they go once that has explained nothing.
            output: is what the program printed compared, too?
            timeout: seconds that one run may take.
            seed: of the factors that are held.
        """
        self.rows: list[Experiment] = []
        self.identity = True
        self.course = course
        self.whole = whole
        self._lab = lab
        self._output = output
        self._timeout = timeout
        self._seed = seed

    def held(self, candidates: Iterable[Candidate | str]) -> dict[str, Setting]:
        """These factors at their pinned value.

        Nearly everything moves allocations (another hash seed, another order of threads), so objects are told apart by creation
        order instead of by address, unless the program does not run that way.
        """
        ids = [c if isinstance(c, str) else c.id for c in candidates]
        return {id: Setting(seed=self._seed, identity=self.identity and id == "memory.address") for id in ids}

    def trial(self, settings: Settings, against: Trial | None = None, course: Course | None = None) -> Trial:
        """One run, compared with another in lockstep when there is one."""
        return self._lab.run(
            settings,
            course or self.course,
            reference=against.record if against is not None else None,
            output=self._output,
            timeout=self._timeout,
        )

    def differ(self, a: Trial, b: Trial) -> Difference | None:
        """The first difference of two finished runs."""
        return differ(a.record, b.record, output=self._output)[0]

    def row(
        self, what: str, factor_id: str | None, work: Callable[[], tuple[str, list[Trial], str | None]]
    ) -> Experiment:
        """Carry out one experiment and add it to the table. `work` gives outcome, its runs, and a note."""
        self._lab.on_event(ExperimentStarted(what, factor_id, len(self.rows) + 1))
        outcome, trials, note = work()
        difference = next((t.difference for t in trials if t.difference is not None), None)
        row = Experiment(
            what=what,
            factor=factor_id,
            outcome=outcome,
            seconds=round(sum(t.seconds for t in trials), 3),
            runs=len(trials),
            difference=difference if outcome == DIFFERENT else None,
            note=note,
        )
        self.rows.append(row)
        self._lab.on_event(ExperimentEnded(row))
        return row

    def again(self, what: str, settings: Settings, against: Trial) -> Experiment:
        """One more run under these settings, compared with another."""

        def work() -> tuple[str, list[Trial], str | None]:
            trial = self.trial(settings, against)
            return outcome(trial), [trial], why(trial)

        return self.row(what, None, work)

    def pair(self, what: str, factor_id: str | None, settings: Settings) -> tuple[Experiment, Trial]:
        """Two runs under these settings. Returns the row and the first run."""
        first = self.trial(settings)

        def work() -> tuple[str, list[Trial], str | None]:
            if not first.usable:
                return INCONCLUSIVE, [first], why(first)
            other = self.trial(settings, first)
            # The second one is ended where it differs, perhaps before it could say that a pin let go.
            note = why(other) or why(first)
            found = outcome(other)
            return INCONCLUSIVE if note and found == IDENTICAL else found, [first, other], note

        return self.row(what, factor_id, work), first


def outcome(trial: Trial) -> str:
    """What a run that was compared with another shows."""
    if trial.difference is not None:
        return DIFFERENT
    return INCONCLUSIVE if why(trial) else IDENTICAL


def why(trial: Trial) -> str | None:
    """Why this run settles nothing; None when it does."""
    gave_up = trial.record.extras("gave_up")  # a pin that let go, because the program could not go on under it
    if gave_up:
        return str(gave_up[0])
    if trial.usable:
        return None
    if trial.replica.exit_code is None:
        return f"given up after {trial.seconds:.0f} s"
    tail = trial.replica.stderr_tail(1).strip()
    return f"the program failed under this pin (exit code {trial.replica.exit_code}{': ' + tail[:160] if tail else ''})"
