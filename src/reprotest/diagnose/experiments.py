"""Finds causes by experiment: pin every factor, then let one at a time vary again.

The reference is a run with every candidate held at its pinned value; a second such run shows whether that makes the program
repeat. Then each candidate alone takes another value (or is left free, where only that is decisive) and the run is compared with the
reference in lockstep. A factor whose freedom brings a difference back is a cause. After each cause found, a run in which *only the
causes so far* are held tells whether there are more: if it agrees with the reference, or else with another such run (a pin may itself
change the numbers), everything else was free and did not matter.

No run goes past the step where the first difference showed, until that has explained nothing: a race may show anywhere the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from reprotest.diagnose.candidates import Candidate
from reprotest.diagnose.laboratory import Course, Laboratory, Settings, Trial, differ
from reprotest.factors import Setting
from reprotest.options import ExperimentEnded, ExperimentStarted
from reprotest.result import Difference, Experiment

IDENTICAL, DIFFERENT, INCONCLUSIVE = "identical", "different", "inconclusive"

RISKY = ("threads.schedule", "clock", "process.id", "torch.kernels", "memory.uninitialised", "os.entropy")
"""Pins that may stop a program from running, likeliest first: given up one by one when the pinned run fails or hangs."""

_ENTROPY = ("python.random", "numpy.random", "torch.random", "os.entropy")
"""Streams that give other values to other askers, so that the order of threads decides who gets which."""


@dataclass
class Findings:
    """What the experiments showed.

    Attributes:
        proven: candidates whose freedom alone brings a difference back, with that difference.
        freed: the settings under which each of them did.
        harmless: ids of factors that were free, or varied, while the result stayed the same.
        untried: ids of factors that could not be held.
        repeats_when_pinned: do runs with every candidate held agree? None: could not be found out.
        reference: the settings of the pinned runs.
        pinned: such a run.
        residue: the difference between two runs with every candidate held.
        complete: holding the proven causes alone makes runs agree.
    """

    proven: dict[str, Difference] = field(default_factory=dict)
    freed: dict[str, Settings] = field(default_factory=dict)
    harmless: set[str] = field(default_factory=set)
    untried: dict[str, str] = field(default_factory=dict)
    repeats_when_pinned: bool | None = None
    reference: dict[str, Setting] = field(default_factory=dict)
    pinned: Trial | None = None
    residue: Difference | None = None
    complete: bool = False


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

    def pair(self, what: str, factor_id: str | None, settings: Settings) -> tuple[Experiment, Trial]:
        """Two runs under these settings. Returns the row and the first run."""
        first = self.trial(settings)

        def work() -> tuple[str, list[Trial], str | None]:
            if not first.usable:
                return INCONCLUSIVE, [first], _why(first)
            other = self.trial(settings, first)
            return _outcome(other), [first, other], _why(other)

        return self.row(what, factor_id, work), first


def _outcome(trial: Trial) -> str:
    if trial.difference is not None:
        return DIFFERENT
    return INCONCLUSIVE if _why(trial) else IDENTICAL


def _why(trial: Trial) -> str | None:
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


def find_causes(bench: Bench, candidates: list[Candidate]) -> Findings:
    """Carry out the experiments until the causes found explain everything, or every candidate was tried."""
    findings = Findings()
    usable = list(candidates)
    findings.pinned = _pin_everything(bench, usable, findings)
    if findings.pinned is None:
        return findings
    for group in _in_turn(usable):
        if _free_each(bench, usable, group, findings) or _free_to_the_end(bench, usable, group, findings):
            break
    _untangle(bench, usable, findings)
    return findings


def _in_turn(usable: list[Candidate]) -> list[list[Candidate]]:
    """The candidates that were seen in use, with what ranks before them; then those that can only have acted unseen."""
    seen = max((number for number, candidate in enumerate(usable, 1) if candidate.seen), default=0)
    return [usable[:seen], usable[seen:]]


def _free_each(
    bench: Bench, usable: list[Candidate], group: list[Candidate], findings: Findings, how: str = "the rest pinned"
) -> bool:
    """Free one candidate after the other. Returns whether the causes found explain everything."""
    assert findings.pinned is not None
    for candidate in group:
        row, freed = _free_one(bench, candidate, findings.reference, findings.pinned, how)
        if row.outcome == DIFFERENT and row.difference is not None:
            findings.proven[candidate.id] = row.difference
            findings.freed[candidate.id] = freed
            findings.harmless.discard(candidate.id)
            if findings.repeats_when_pinned and _enough(bench, usable, findings):
                return True
        elif row.outcome == IDENTICAL:
            findings.harmless.add(candidate.id)
    return False


def _free_to_the_end(bench: Bench, usable: list[Candidate], group: list[Candidate], findings: Findings) -> bool:
    """Give what is left to chance the whole run: a race that showed at one step may show at any other the next time."""
    races = [c for c in group if c.factor.frees and c.id in findings.harmless]
    if not races or not findings.repeats_when_pinned or bench.course == bench.whole:
        return False
    before, bench.course = (bench.course, findings.pinned), bench.whole
    row, reference = bench.pair("everything pinned, to the end", None, findings.reference)
    if row.outcome == IDENTICAL:
        findings.pinned = reference
        if _free_each(bench, usable, races, findings, how="the rest pinned, to the end"):
            return True
    if findings.harmless.issuperset(c.id for c in races):
        bench.course, findings.pinned = before
    return False


def _pin_everything(bench: Bench, usable: list[Candidate], findings: Findings) -> Trial | None:
    """Two runs with everything held; pins under which the program does not run are dropped. Returns the reference run."""
    dropped = iter(RISKY)
    while True:
        settings = bench.held(usable)
        row, reference = bench.pair("everything pinned", None, settings)
        if row.outcome != INCONCLUSIVE:
            findings.repeats_when_pinned = row.outcome == IDENTICAL
            findings.residue = row.difference
            findings.reference = settings
            return reference
        if bench.identity:
            bench.identity = False
            continue
        gone = next((name for name in dropped if any(c.id == name for c in usable)), None)
        if gone is None:
            return None
        findings.untried[gone] = row.note or "the program does not run under this pin"
        usable[:] = [c for c in usable if c.id != gone]


def _free_one(
    bench: Bench, candidate: Candidate, pinned: Settings, reference: Trial, how: str = "the rest pinned"
) -> tuple[Experiment, Settings]:
    """Everything as in the reference but this one factor. Returns also the settings of the last run."""
    settings: Settings = pinned

    def work() -> tuple[str, list[Trial], str | None]:
        nonlocal settings
        trials: list[Trial] = []
        for settings in _freed(candidate, pinned):
            trial = bench.trial(settings, reference)
            trials.append(trial)
            if trial.difference is not None:
                return DIFFERENT, trials, None
            if not trial.usable:
                return INCONCLUSIVE, trials, _why(trial)
        return (IDENTICAL, trials, None) if trials else (INCONCLUSIVE, trials, "it has no other value here")

    return bench.row(f"{candidate.id} left to vary, {how}", candidate.id, work), settings


def _freed(candidate: Candidate, reference: Settings) -> list[dict[str, Setting]]:
    """The settings of the runs that free one factor: another value, or truly free as often as it takes.

    What can also act unseen is first varied where the program is seen to use it, and nowhere else: whether those lines are to blame.
    """
    if candidate.factor.frees:
        free = {k: v for k, v in reference.items() if k != candidate.id}
        return [free] * candidate.factor.frees
    held = reference[candidate.id]
    variants = [v for v in range(1, candidate.factor.tries + 1) if candidate.factor.perturb(v) is not None]
    values = [replace(held, variant=variant) for variant in variants]
    if candidate.factor.unseen and candidate.sites and values:
        values.insert(0, replace(values[0], only=tuple(candidate.sites)))
    return [{**reference, candidate.id: value} for value in values]


def _enough(bench: Bench, usable: list[Candidate], findings: Findings) -> bool:
    """Hold only the causes found so far, leave all else free: does that suffice for runs to agree?"""
    settings = bench.held(findings.proven)
    first, second = dict(settings), dict(settings)
    if "file.order" not in settings:  # a listing's order is free only if it is really given another one
        first["file.order"], second["file.order"] = Setting(seed=1, variant=1), Setting()

    def work() -> tuple[str, list[Trial], str | None]:
        trial = bench.trial(first)
        if not trial.usable:
            return INCONCLUSIVE, [trial], _why(trial)
        assert findings.pinned is not None
        if bench.differ(findings.pinned, trial) is None:
            return IDENTICAL, [trial], None
        other = bench.trial(second, trial)
        return _outcome(other), [trial, other], _why(other)

    row = bench.row(f"only {' and '.join(findings.proven)} pinned, the rest free", None, work)
    if row.outcome == IDENTICAL:
        findings.complete = True
        findings.harmless |= {c.id for c in usable if c.id not in findings.proven}
    return row.outcome == IDENTICAL


def _untangle(bench: Bench, usable: list[Candidate], findings: Findings) -> None:
    """Drop causes that only acted through another one, by trying them again with that path closed.

    Freeing threads changes which of them draws first from a stream.
    """
    proven = set(findings.proven)
    if "threads.schedule" in findings.proven and not proven.isdisjoint(_ENTROPY):
        closed = {k: replace(v, constant=True) if k in _ENTROPY else v for k, v in findings.reference.items()}
        _try_again(bench, usable, findings, "entropy the same for every asker", closed, {"threads.schedule"})


def _try_again(
    bench: Bench, usable: list[Candidate], findings: Findings, how: str, closed: dict[str, Setting], suspects: set[str]
) -> None:
    row, reference = bench.pair(f"everything pinned, {how}", None, closed)
    if row.outcome != IDENTICAL:
        return
    for candidate in usable:
        if candidate.id in suspects and _free_one(bench, candidate, closed, reference)[0].outcome == IDENTICAL:
            del findings.proven[candidate.id]
            findings.harmless.add(candidate.id)
