"""Finds causes by experiment: pin every factor, then let one at a time vary again.

The reference is a run with every candidate held at its pinned value; a second such run shows whether that makes the program
repeat (and where it does not, three more whether one of the two was merely disturbed, and further ones whether threads in native code
race, which are held only then). Then each candidate alone takes another
value (or is left free, where only that is decisive) and the run is compared with the reference in lockstep. A factor whose freedom
brings a difference back, and does so again, is a cause. After each cause found, a run in which *only the causes so far* are held
tells whether there are more: if it agrees with the reference, or else with another such run (a pin may itself change the numbers),
everything else was free and did not matter.

No run goes past the step where the first difference showed, until that has explained nothing: a race may show anywhere the next time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from reprotest.compare.records import place
from reprotest.diagnose.bench import DIFFERENT, IDENTICAL, INCONCLUSIVE, Bench, outcome, why
from reprotest.diagnose.candidates import Candidate
from reprotest.diagnose.freeing import free
from reprotest.diagnose.laboratory import Settings, Trial
from reprotest.factors import Setting, factor
from reprotest.factors.external_state import AS_LEFT
from reprotest.result import Difference

RISKY = ("threads.schedule", "clock", "process.id", "torch.kernels", "memory.uninitialised", "os.entropy")
"""Pins that may stop a program from running, likeliest first: given up one by one when the pinned run fails or hangs."""

_ONCE, _OFTEN = 1, 3
"""How often what was seen must be seen again to count: where held runs agree, and where one of them has not."""

_SCHEDULE = "threads.schedule"
_ENTROPY = ("python.random", "numpy.random", "torch.random", "os.entropy")
"""Streams that give other values to other askers, so that the order of threads decides who gets which."""


@dataclass
class Findings:
    """What the experiments showed.

    Attributes:
        proven: candidates whose freedom alone brings a difference back, with that difference.
        freed: the settings under which each of them did.
        harmless: ids of factors that were free, or varied, while the result stayed the same.
        moved: candidates that give other numbers when they are held, but the same every time when they are free.
        untried: ids of factors that could not be held.
        repeats_when_pinned: do runs with every candidate held agree? None: could not be found out.
        native: the order of threads, when it was to be held in native code as well; where they are started cannot be seen.
        reference: the settings of the pinned runs.
        pinned: such a run.
        residue: the difference between two runs with every candidate held.
        complete: holding the proven causes alone makes runs agree.
        disturbed: one run differed that should not have, and others like it did not.
    """

    proven: dict[str, Difference] = field(default_factory=dict)
    freed: dict[str, Settings] = field(default_factory=dict)
    harmless: set[str] = field(default_factory=set)
    moved: dict[str, Difference] = field(default_factory=dict)
    untried: dict[str, str] = field(default_factory=dict)
    repeats_when_pinned: bool | None = None
    native: Candidate | None = None
    reference: dict[str, Setting] = field(default_factory=dict)
    pinned: Trial | None = None
    residue: Difference | None = None
    complete: bool = False
    disturbed: bool = False


def find_causes(bench: Bench, candidates: list[Candidate]) -> Findings:
    """Carry out the experiments until the causes found explain everything, or every candidate was tried."""
    findings = Findings()
    usable = list(candidates)
    findings.pinned = _pin_everything(bench, usable, findings)
    if findings.pinned is None:
        return findings
    agreed = findings.repeats_when_pinned
    _explain(bench, usable, findings)
    if agreed and not findings.repeats_when_pinned and not findings.proven:  # they had agreed by luck
        pinned = _hold_native(bench, usable, findings)
        if pinned is not None:
            findings.pinned, findings.residue = pinned, None
            findings.repeats_when_pinned = findings.disturbed = True
            findings.harmless.clear()
            findings.moved.clear()
            _explain(bench, usable, findings)
    _untangle(bench, usable, findings)
    return findings


def _explain(bench: Bench, usable: list[Candidate], findings: Findings) -> None:
    """Free one candidate after the other, until the causes explain everything, and make sure of those."""
    for group in _in_turn(usable):
        if _free_each(bench, usable, group, findings) or _free_to_the_end(bench, usable, group, findings):
            break
    if not findings.complete:
        _blame_what_moved(bench, usable, findings)
    if findings.proven and (findings.disturbed or not findings.complete):
        _pin_once_more(bench, findings)


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
        again = 0 if not findings.repeats_when_pinned else _OFTEN if findings.disturbed else _ONCE
        freed = free(bench, candidate, findings.reference, findings.pinned, how, again)
        row = freed.row
        findings.disturbed |= freed.by_luck
        if freed.moved is not None:
            findings.moved[candidate.id] = freed.moved
            findings.freed[candidate.id] = freed.settings
        if row.outcome == DIFFERENT and row.difference is not None:
            if findings.residue is not None and place(row.difference) >= place(findings.residue):
                continue  # no other difference than that of runs with everything held
            findings.proven[candidate.id] = row.difference
            findings.freed[candidate.id] = freed.settings
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
    while True:
        settings = bench.held(usable)
        row, reference = bench.pair("everything pinned", None, settings)
        ids = [c.id for c in usable]
        gone = (row.note or "").partition(":")[0]  # a pin that let go says which it is
        if row.outcome != INCONCLUSIVE and gone not in ids:
            findings.reference = settings
            if row.outcome == DIFFERENT:
                usual = _usual(bench, settings, reference) or _hold_native(bench, usable, findings)
                findings.disturbed = usual is not None
                findings.residue = None if findings.disturbed else row.difference
                reference = usual or reference
            findings.repeats_when_pinned = findings.residue is None
            return reference
        if gone not in ids:
            if bench.identity:
                bench.identity = False
                continue
            gone = next((name for name in RISKY if name in ids), "")
        if not gone:
            return None
        findings.untried[gone] = row.note or "the program does not run under this pin"
        usable[:] = [c for c in usable if c.id != gone]


def _usual(bench: Bench, settings: Settings, first: Trial) -> Trial | None:
    """Two runs with everything held differ. Was one of them disturbed (by what else the machine does, say), while three others agree?

    Returns:
        One of the three; None where they do not.
    """
    row, third = bench.pair("everything pinned, again", None, settings)
    if row.outcome != IDENTICAL:
        return None
    if bench.differ(first, third) is None:
        return third
    return third if bench.again("everything pinned, a fifth time", settings, third).outcome == IDENTICAL else None


def _hold_native(bench: Bench, usable: list[Candidate], findings: Findings) -> Trial | None:
    """Do runs with everything held agree once threads in native code are held, too? Then the order of threads is tried first.

    Not held before: with one thread less of OpenMP's, other races would not show either.

    Returns:
        One of these runs; None where they do not agree.
    """
    order = findings.reference.get(_SCHEDULE) or bench.held([_SCHEDULE])[_SCHEDULE]
    settings = {**findings.reference, _SCHEDULE: replace(order, native=True)}
    row, reference = bench.pair("everything pinned, one native thread at a time", None, settings)
    if row.outcome != IDENTICAL:
        return None
    findings.reference = settings
    findings.native = Candidate(factor(_SCHEDULE), seen=True)
    usable[:] = [findings.native, *(c for c in usable if c.id != _SCHEDULE)]
    return reference


def _enough(bench: Bench, usable: list[Candidate], findings: Findings) -> bool:
    """Hold only the causes found so far, leave all else free: does that suffice for runs to agree?"""
    settings = {id: findings.reference[id] for id in findings.proven}
    first, second = dict(settings), dict(settings)
    if "file.order" not in settings:  # a listing's order is free only if it is really given another one
        first["file.order"], second["file.order"] = Setting(seed=1, variant=1), Setting()
    if "external.state" not in settings and any(c.id == "external.state" for c in usable):
        first["external.state"], second["external.state"] = Setting(variant=AS_LEFT), Setting()  # and so are files

    def work() -> tuple[str, list[Trial], str | None]:
        trial = bench.trial(first)
        if not trial.usable:
            return INCONCLUSIVE, [trial], why(trial)
        assert findings.pinned is not None
        if bench.differ(findings.pinned, trial) is None:
            return IDENTICAL, [trial], None
        other = bench.trial(second, trial)
        return outcome(other), [trial, other], why(other)

    row = bench.row(f"only {' and '.join(findings.proven)} pinned, the rest free", None, work)
    if row.outcome == IDENTICAL:
        findings.complete = True
        findings.harmless |= {c.id for c in usable if c.id not in findings.proven}
    return row.outcome == IDENTICAL


def _pin_once_more(bench: Bench, findings: Findings) -> None:
    """Where the causes do not explain everything, or a run was disturbed, the held ones may have agreed by luck.

    Then only what differed before the pinned runs do is proven.
    """
    pinned = findings.pinned
    if pinned is None or not findings.repeats_when_pinned:
        return
    for _ in range(_OFTEN if findings.disturbed else _ONCE):
        residue = bench.again("everything pinned, once more", findings.reference, pinned).difference
        if residue is not None:
            findings.repeats_when_pinned = findings.complete = False
            findings.residue = residue
            findings.proven = {id: seen for id, seen in findings.proven.items() if place(seen) < place(residue)}
            return


def _blame_what_moved(bench: Bench, usable: list[Candidate], findings: Findings) -> None:
    """Chance that gave the same numbers in every free run is a cause all the same, if with it everything is explained."""
    moved = {id: difference for id, difference in findings.moved.items() if id not in findings.proven}
    if not moved or not findings.repeats_when_pinned:
        return
    before = dict(findings.proven)
    findings.proven |= moved
    if _enough(bench, usable, findings):
        findings.harmless.difference_update(moved)
    else:
        findings.proven = before


def _untangle(bench: Bench, usable: list[Candidate], findings: Findings) -> None:
    """Drop causes that only acted through another one, by trying them again with that path closed.

    Freeing threads changes which of them draws first from a stream.
    """
    proven = set(findings.proven)
    if _SCHEDULE in findings.proven and not proven.isdisjoint(_ENTROPY):
        closed = {k: replace(v, constant=True) if k in _ENTROPY else v for k, v in findings.reference.items()}
        _try_again(bench, usable, findings, "entropy the same for every asker", closed, {_SCHEDULE})


def _try_again(
    bench: Bench, usable: list[Candidate], findings: Findings, how: str, closed: dict[str, Setting], suspects: set[str]
) -> None:
    row, reference = bench.pair(f"everything pinned, {how}", None, closed)
    if row.outcome != IDENTICAL:
        return
    for candidate in usable:
        if candidate.id not in suspects:
            continue
        if free(bench, candidate, closed, reference).row.outcome == IDENTICAL:
            del findings.proven[candidate.id]
            findings.harmless.add(candidate.id)
