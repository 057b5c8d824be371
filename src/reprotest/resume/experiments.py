"""Shows by experiment which pieces were lost: with all that differ put back the resumed run agrees, with all but one it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from reprotest.options import ExperimentEnded, ExperimentStarted, OnEvent
from reprotest.record.event import Phase
from reprotest.result import Difference, Experiment
from reprotest.resume.details import RANDOM, detail
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
    *,
    differing: bool = True,
    source: str = "the full run",
) -> list[Lost]:
    """The pieces that were lost.

    Args:
        candidates: details of the pieces that differ at the resumption, with a note on what of each; what follows from another first.
        unlikely: those of them that are tried only when the others do not explain everything.
        baseline: where the resumed run first differs as it is.
        attempt: carries out one run with these pieces put back.
        on_event: told of every experiment.
        rows: the report's table, which grows.
        source: whose state is put back.
        differing: the candidates are known to differ; else they are all that was kept, and a failure says nothing of them.
    """

    def row(what: str, details: frozenset[str]) -> Tried:
        on_event(ExperimentStarted(what, None, len(rows) + 1))
        tried = attempt(details)
        rows.append(Experiment(what, None, tried.outcome, round(tried.seconds, 3), 1, tried.difference, tried.note))
        on_event(ExperimentEnded(rows[-1]))
        return tried

    if not candidates:
        return []
    everything: Tried | None = None
    counters = [name for name in candidates if name != _COUNTERS]  # saved before they were counted on, perhaps
    tried: list[list[str]] = []
    likely = [name for name in candidates if name not in unlikely]
    held = [name for name in candidates if name not in unlikely or ":" in name]
    for needed in (likely, held, list(candidates), counters):
        if needed and needed not in tried:
            tried.append(list(needed))
            everything = row(f"put back: {_listed(needed)}", frozenset(needed))
            if everything.outcome == "identical":
                break
    assert everything is not None
    if everything.outcome != "identical":
        known = {name: note for name, note in candidates.items() if name not in unlikely} or candidates
        return _unproven(known if differing else {}, baseline, everything)
    without: dict[str, Difference] = {}
    for name in list(needed) if len(needed) > 1 else ():
        rest = frozenset(needed) - {name}
        if not rest:
            break
        outcome = row(f"put back: {_listed([d for d in needed if d != name])}", rest)
        if outcome.outcome == "identical":
            needed.remove(name)
        elif outcome.difference is not None:
            without[name] = outcome.difference
    return _merged([_lost(name, candidates[name], needed, without.get(name, baseline), source) for name in needed])


def _merged(found: list[Lost]) -> list[Lost]:
    """One entry for each detail."""
    by_detail: dict[str, Lost] = {}
    for one in found:
        known = by_detail.get(one.detail)
        by_detail[one.detail] = one if known is None else _joined(known, one)
    return list(by_detail.values())


def _joined(a: Lost, b: Lost) -> Lost:
    return replace(
        a,
        evidence=f"{a.evidence}. {b.evidence}",
        fix="; ".join(dict.fromkeys((a.fix, b.fix))),
        variables=", ".join(filter(None, (a.variables, b.variables))),
    )


def _lost(name: str, note: str, needed: list[str], difference: Difference, source: str) -> Lost:
    where = f"step {difference.step}, {difference.phase}" + (f": {difference.name}" if difference.name else "")
    others = [other for other in needed if other != name]
    beside = f"with {_listed([name, *others])} put back from {source}" if others else f"put back from {source}"
    what = f" ({note})" if note and note != "global" else ""
    evidence = (
        f"{beside}: identical to the end; without {_listed([name]) if others else 'it'}{what}: different from {where}"
    )
    if name == "torch.random":
        evidence += _DRAWN.get(difference.phase, "")
    return _lost_piece(name, note, proven=True, evidence=evidence)


def _lost_piece(name: str, note: str, *, proven: bool, evidence: str) -> Lost:
    """With what to change: of the program's own variables these are to be saved, whatever they are for."""
    known = detail(name)
    if ":" not in name or not note:
        return Lost(known.id, proven, evidence, known.fix)
    return Lost(known.id, proven, evidence, f"keep {note} in the checkpoint, to be loaded with the rest", note)


def _unproven(candidates: dict[str, str], baseline: Difference, everything: Tried) -> list[Lost]:
    """Not all is explained: say what is likely, and by which elimination."""
    left = everything.difference
    if everything.outcome == "inconclusive" or left is None:
        why = everything.note or "the run with the pieces put back did not run through"
        return [
            _lost_piece(name, note, proven=False, evidence=f"it differs at the resumption; not tried: {why}")
            for name, note in candidates.items()
        ]
    if not candidates and left.phase != "data":
        return []
    later = bool(candidates) and _place(left) > _place(baseline)
    if later:
        said = f"with all that differs at the resumption put back, the runs agree longer, up to step {left.step} ({left.phase})"
        return [_lost_piece(name, note, proven=False, evidence=said) for name, note in candidates.items()]
    if _place(left) < _place(baseline):  # what was put back does not fit
        return []
    if left.phase in ("data", "loss", "forward") and "data.position" not in candidates:
        said = "everything else was put back from the full run, and the step still begins with other numbers"
        drawn = [name for name in RANDOM if name in candidates]
        if drawn:  # a batch that was fetched ahead was drawn before the state that is put back
            said += f"; {_listed(drawn)}, put back with it, is lost as well, and so perhaps is a batch that was fetched ahead"
        return [Lost("data.position", False, said, detail("data.position").fix)]
    return []


_DRAWN = {
    "data": ", in the order of the samples or what is drawn for them",
    "forward": ", though the batch is the same: the model draws otherwise (dropout masks)",
    "loss": ", though the batch is the same: the model draws otherwise (dropout masks)",
}
_COUNTERS = "held:data.position"
_VARIABLES = {
    "data.position": "counters and orders", "optimizer": "moments", "scheduler": "numbers", "buffers": "averages and other arrays",
}  # fmt: skip
"""What the kinds of the program's own variables are called in the table of experiments."""


def _place(difference: Difference) -> tuple[int, int]:
    """When it is met."""
    phases = [phase.name.lower() for phase in Phase]
    return difference.step, phases.index(difference.phase) if difference.phase in phases else len(phases)


def _listed(ids: list[str]) -> str:
    held = [_VARIABLES[id.partition(":")[2]] for id in ids if ":" in id]
    names = [id for id in ids if ":" not in id]
    if held:
        names.append("the program's own " + ", ".join(held))
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
