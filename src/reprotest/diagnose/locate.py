"""Finds the line: of the first difference by observing more finely round it, of a cause by its call sites or a line trace."""

from __future__ import annotations

from dataclasses import replace

from reprotest.compare.made import as_made
from reprotest.compare.pairs import is_numbered
from reprotest.diagnose.bench import DIFFERENT, IDENTICAL, INCONCLUSIVE, Bench
from reprotest.diagnose.candidates import Candidate
from reprotest.diagnose.experiments import Findings
from reprotest.diagnose.laboratory import Course, Settings, Trial
from reprotest.result import Difference

_TRAINING = ("init", "data", "forward", "loss", "backward", "update")
BEFORE = ("init", "data")
_BY_OPERATOR = ("torch.kernels", "memory.uninitialised", "torch.random", "cuda.random")
"""Act inside of an operator: the line is where that is called."""
_MOST_SITES = 256
"""How many call sites of one cause are tried."""


def finer(bench: Bench, difference: Difference, free: tuple[Settings, Settings]) -> list[Difference]:
    """Run the free pair again, observed more finely at the first bad step. A race may not show again.

    An operator that differs names its module, too, so modules are observed by themselves only where no operator is to blame at that
    step: where a compiler hides them, or a race shows elsewhere. What is there before the first forward pass (initial weights,
    batches) belongs to no module, and is where it is made: when that line is known, there is nothing to add. Else the same thing comes
    first, with the operator that made it, and after it the first operator that differs, which may have made something else.
    """
    if difference.phase not in _TRAINING:
        return []
    if difference.phase in BEFORE:
        return _before(bench, difference, free) if difference.location is None else []
    seen = _at(bench, "operators", difference, difference.step, free)
    if seen is not None and seen.op is not None and seen.step == difference.step:
        return [seen]
    step = difference.step if seen is None else seen.step
    module = _at(bench, "modules", difference, step, free)
    again = (
        _at(bench, "operators", difference, module.step, free)
        if module is not None and module.step != difference.step
        else None
    )
    return [found for found in (module, again or seen) if found is not None]


def _before(bench: Bench, difference: Difference, free: tuple[Settings, Settings]) -> list[Difference]:
    """The initial state or batch as operators made it, and the first operator that differs."""
    course = _course("operators", difference, difference.step)
    first = bench.trial(free[0], course=course)
    if not first.usable:
        return []
    # Compared afterwards, so that it is not ended at the first operator that differs: the thing itself comes after those.
    second = bench.trial(free[1], course=course)
    made = as_made(first.record, second.record, difference)
    seen = bench.differ(first, second)
    if seen is not None and (seen.phase not in BEFORE or course.stream not in (None, seen.stream)):
        seen = None  # an operator of the first forward pass is given what differs already
    return [found for found in (made, seen) if found is not None]


def _at(bench: Bench, level: str, coarse: Difference, step: int, free: tuple[Settings, Settings]) -> Difference | None:
    return _differ_again(bench, _course(level, coarse, step), free)


def _course(level: str, coarse: Difference, step: int) -> Course:
    """Shows what differs at this step in the process that `coarse` speaks of: a helper may come to another difference sooner."""
    return Course(
        level=level,
        window=(step, step),
        values=True,
        stop_after_step=step,
        stream=None if is_numbered(coarse.stream) else coarse.stream,
    )


def refined(difference: Difference, finer: list[Difference]) -> Difference:
    """One difference that says what all passes found: step and name of the first, operator and line of the finest.

    Of initial state or a batch only what a pass found about that very thing is told: the first operator that differs may have made
    something else, and lends no more than its line where nothing better is known.
    """
    located = difference.phase in BEFORE
    later = None
    for seen in finer:
        if located:
            difference = replace(difference, location=difference.location or seen.location)
            if (seen.phase, seen.name) != (difference.phase, difference.name):
                continue
        # Sizes and the note speak of one pair of runs, so they change hands together.
        size = {key: getattr(seen, key) for key in ("max_abs", "max_rel", "ulp", "note")}
        if not located:
            location = seen.location or difference.location
            difference = replace(
                difference, phase=seen.phase, name=seen.name, kind=seen.kind, location=location, **size
            )
            located = True
        if seen.op is not None:
            difference = replace(difference, op=seen.op, location=seen.location or difference.location)
        if difference.ulp is None and seen.max_abs is not None:
            difference = replace(difference, **size)
        if seen.step != difference.step:
            later = f"seen again at step {seen.step}"
    if later is not None:
        difference = replace(difference, note=f"{difference.note}; {later}" if difference.note else later)
    return difference


def _differ_again(bench: Bench, course: Course, free: tuple[Settings, Settings]) -> Difference | None:
    first = bench.trial(free[0], course=course)
    if not first.usable:
        return None
    return bench.trial(free[1], first, course).difference


def site_of(bench: Bench, candidate: Candidate, findings: Findings, operator_line: str | None = None) -> str | None:
    """The user's line through which a proven cause acts.

    One known call site is the answer; among several, the one that matters is searched by halves; with none, or where it acts elsewhere, it is the line of the
    operator that differed by itself, or else both runs are traced, operator by operator or line by line, and the first line whose values
    differ is the answer. Where no line can be seen to differ, it is where the difference was observed.

    Args:
        operator_line: of the operator that differed by itself, where it was seen.
    """
    sites = list(candidate.sites)
    by_operator = candidate.id in _BY_OPERATOR
    if not sites and by_operator and operator_line is not None:
        return operator_line
    setting = findings.freed[candidate.id].get(candidate.id)
    unseen = candidate.factor.unseen and setting is not None and not setting.only
    if len(sites) == 1 and not unseen:
        return sites[0]
    if len(sites) > 1 and not candidate.factor.frees and not unseen:
        guilty = _guilty_site(bench, candidate, findings, sites[:_MOST_SITES])
        if guilty is not None:
            return guilty
        sites = []  # each of them was cleared, alone or among others
    operators = by_operator and not sites and _runs_operators(findings)
    traced = _traced_operator(bench, candidate, findings) if operators else None
    traced = traced or _trace(bench, candidate, findings, replace(bench.course, level="lines"))
    return traced or (sites[0] if sites else findings.proven[candidate.id].location)


def _guilty_site(bench: Bench, candidate: Candidate, findings: Findings, sites: list[str]) -> str | None:
    """The first call site whose freedom alone brings a difference back: half of them are freed at a time."""
    reference = findings.pinned
    if reference is None:
        return None
    every = len(sites)

    def differs(some: list[str]) -> bool:
        freed = replace(findings.freed[candidate.id][candidate.id], only=tuple(some))

        def work() -> tuple[str, list[Trial], str | None]:
            trial = bench.trial({**findings.reference, candidate.id: freed}, reference)
            outcome = DIFFERENT if trial.difference else IDENTICAL if trial.usable else INCONCLUSIVE
            return outcome, [trial], None

        where = some[0] if len(some) == 1 else f"{len(some)} of {every} lines"
        return bench.row(f"{candidate.id} left to vary at {where} alone", candidate.id, work).outcome == DIFFERENT

    shown = False
    while len(sites) > 1:
        half = sites[: (len(sites) + 1) // 2]
        shown = differs(half)
        sites = half if shown else sites[len(half) :]
    return sites[0] if shown or differs(sites) else None


def _runs_operators(findings: Findings) -> bool:
    """Did the program import PyTorch?"""
    return findings.pinned is not None and "torch" in findings.pinned.record.modules


def _traced_operator(bench: Bench, candidate: Candidate, findings: Findings) -> str | None:
    """A race hardly shows while every line is traced; operators slow a program less, and it need not show where it did before."""
    last = findings.proven[candidate.id].step
    return _trace(bench, candidate, findings, Course(level="operators", window=(0, last), stop_after_step=last))


def _trace(bench: Bench, candidate: Candidate, findings: Findings, course: Course) -> str | None:
    """Trace the pinned run and the run with this factor freed."""
    reference = bench.trial(findings.reference, course=course)
    if not reference.usable:
        return None
    freed = findings.freed[candidate.id]
    for _ in range(max(1, candidate.factor.frees)):
        difference = bench.trial(freed, reference, course).difference
        if difference is not None and (difference.op is not None or course.level != "operators"):
            return difference.location
    return None
