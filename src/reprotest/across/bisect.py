"""Finds the commit that changed the numbers, by halving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reprotest.across.revisions import Revisions
from reprotest.diagnose.laboratory import Trial, differ
from reprotest.result import Difference

SAME, CHANGED, SKIPPED = "same", "changed", "skipped"


@dataclass
class Bisection:
    """What was found.

    Attributes:
        verdict: found | identical (both ends agree) | unstable (the good commit does not even repeat) | error (an end cannot be run)
        commit: the first with other numbers; None unless found.
        candidates: where commits in between could not be run: any of these may be the first; the last is `commit`.
        difference: between the good commit's run and that commit's.
        tried: (commit, same | changed | skipped) in order.
    """

    verdict: str
    commit: str | None = None
    candidates: list[str] = field(default_factory=list)
    difference: Difference | None = None
    tried: list[tuple[str, str]] = field(default_factory=list)


def difference(a: Trial, b: Trial) -> Difference | None:
    """The first difference of two runs; of their output when nothing else was observed."""
    seen = any(n for trial in (a, b) for phase, n in trial.record.phases.items() if phase != "state")
    return differ(a.record, b.record, output=not seen)[0]


def bisect(revisions: Revisions, good: str, commits: Sequence[str], told: Callable[[str, str], None]) -> Bisection:
    """Find the first commit whose result is not the good one's.

    Args:
        revisions: runs the command.
        good: the commit with the right numbers.
        commits: those after it, oldest first; the last is the one with other numbers.
        told: called with each commit and what it was.
    """
    base = revisions.run(good)
    if base is None:
        return Bisection("error", tried=[(good, SKIPPED)])
    found = Bisection("found")
    again = revisions.run(good, again=True)
    if again is None or difference(base, again) is not None:
        found.verdict = "unstable"
        found.difference = difference(base, again) if again is not None else None
        return found
    known: dict[int, str] = {}

    def test(n: int) -> str:
        if n not in known:
            trial = revisions.run(commits[n])
            known[n] = SKIPPED if trial is None else CHANGED if difference(base, trial) is not None else SAME
            found.tried.append((commits[n], known[n]))
            told(commits[n], known[n])
        return known[n]

    low, high = -1, len(commits) - 1  # commits[low] is the same (-1: good itself), commits[high] has changed
    last = test(high) if commits else SAME
    if last != CHANGED:
        found.verdict = "error" if last == SKIPPED else "identical"
        return found
    while high - low > 1:
        middle = (low + high) // 2
        # The nearest to the middle that can be run.
        order = sorted(range(low + 1, high), key=lambda n: abs(n - middle))
        at = next((n for n in order if test(n) != SKIPPED), None)
        if at is None:
            break
        if known[at] == SAME:
            low = at
        else:
            high = at
    found.commit, found.candidates = commits[high], list(commits[low + 1 : high + 1])
    trial = revisions.run(commits[high])
    assert trial is not None
    found.difference = difference(base, trial)
    return found
