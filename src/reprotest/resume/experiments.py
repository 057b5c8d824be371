"""Shows by experiment which pieces were lost: with all that differ put back the resumed run agrees, with all but one it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reprotest.options import ExperimentEnded, ExperimentStarted, OnEvent
from reprotest.result import Difference, Experiment
from reprotest.resume.details import detail
from reprotest.resume.report import Lost


@dataclass(frozen=True)
class Tried:
    """One resumed run with pieces put back. `usable`: did it run through?"""

    difference: Difference | None
    seconds: float
    usable: bool
    note: str | None = None

    @property
    def outcome(self) -> str:
        if not self.usable:
            return "inconclusive"
        return "identical" if self.difference is None else "different"


Try = Callable[[frozenset[str]], Tried]


def find_lost(
    candidates: dict[str, str],
    unlikely: set[str],
    baseline: Difference,
    attempt: Try,
    on_event: OnEvent,
    rows: list[Experiment],
) -> list[Lost]:
    """The pieces that were lost.

    Args:
        candidates: details of the pieces that differ at the resumption, with a note on what of each; what follows from another first.
        unlikely: those of them that are tried only when the others do not explain everything.
        baseline: where the resumed run first differs as it is.
        attempt: carries out one run with these pieces put back.
        on_event: told of every experiment.
        rows: the report's table, which grows.
    """

    def row(what: str, details: frozenset[str]) -> Tried:
        on_event(ExperimentStarted(what, None, len(rows) + 1))
        tried = attempt(details)
        rows.append(Experiment(what, None, tried.outcome, round(tried.seconds, 3), 1, tried.difference, tried.note))
        on_event(ExperimentEnded(rows[-1]))
        return tried

    if not candidates:
        return []
    everything = None
    for needed in ([name for name in candidates if name not in unlikely], list(candidates)):
        if needed and (everything is None or unlikely & set(needed)):
            everything = row(f"put back: {_listed(needed)}", frozenset(needed))
            if everything.outcome == "identical":
                break
    assert everything is not None
    if everything.outcome != "identical":
        return _unproven(candidates, baseline, everything)
    without: dict[str, Difference] = {}
    for name in list(needed) if len(needed) > 1 else ():
        rest = frozenset(needed) - {name}
        if not rest:
            break
        tried = row(f"put back: {_listed([d for d in needed if d != name])}", rest)
        if tried.outcome == "identical":
            needed.remove(name)
        elif tried.difference is not None:
            without[name] = tried.difference
    return [_lost(name, candidates[name], needed, without.get(name, baseline)) for name in needed]


def _lost(name: str, note: str, needed: list[str], difference: Difference) -> Lost:
    where = f"step {difference.step}, {difference.phase}" + (f": {difference.name}" if difference.name else "")
    others = [other for other in needed if other != name]
    beside = f"with {_listed([name, *others])} put back from the full run" if others else "put back from the full run"
    what = f" ({note})" if note and note != "global" else ""
    evidence = f"{beside}: identical to the end; without {name if others else 'it'}{what}: different from {where}"
    return Lost(name, True, evidence, detail(name).fix)


def _unproven(candidates: dict[str, str], baseline: Difference, everything: Tried) -> list[Lost]:
    """Not all is explained: say what is likely, and by which elimination."""
    left = everything.difference
    if everything.outcome == "inconclusive" or left is None:
        why = everything.note or "the run with the pieces put back did not run through"
        return [
            Lost(name, False, f"it differs at the resumption; not tried: {why}", detail(name).fix)
            for name in candidates
        ]
    later = (left.step, left.phase) != (baseline.step, baseline.phase)
    if later:
        said = f"with all that differs at the resumption put back, the runs agree longer, up to step {left.step} ({left.phase})"
        return [Lost(name, False, said, detail(name).fix) for name in candidates]
    if left.phase in ("data", "loss", "forward") and "data.position" not in candidates:
        said = "everything else was put back from the full run, and the step still begins with other numbers"
        return [Lost("data.position", False, said, detail("data.position").fix)]
    return []


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
