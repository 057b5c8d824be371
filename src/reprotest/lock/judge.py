"""Does a result agree with the lock? Bit for bit on a class that it knows, within tolerances on another one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from reprotest.compare.outcome import Outcome
from reprotest.compare.platform import Platform, differing
from reprotest.lock import tolerance
from reprotest.lock.file import Locked, PlatformClass


class Agreement(StrEnum):
    """How a result stands to the lock."""

    IDENTICAL = "identical"
    WITHIN = "within_tolerance"
    DIFFERENT = "different"
    ERROR = "error"
    """The command failed, or its result cannot be compared."""


@dataclass(frozen=True)
class Measured:
    """One value beside the locked one. `distance` is in the kind of the tolerance; None where one of the two is missing or no number."""

    name: str
    expected: float | None
    found: float | None
    tolerance: str | None
    distance: float | None
    holds: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Judgement:
    """What is said about a result.

    Attributes:
        agreement: the verdict.
        known: is the class of this machine in the lock?
        nearest: the class that the result was compared with: the one it equals, else the one most like this machine.
        differing: factors whose facets differ from that class's, those that were shown not to matter left out.
        values: beside the locked ones; empty where the result is bit for bit the same.
        said: a sentence, for people.
    """

    agreement: Agreement
    known: bool
    nearest: PlatformClass | None
    differing: tuple[str, ...]
    values: tuple[Measured, ...]
    said: str


def judge(locked: Locked, outcome: Outcome, platform: Platform) -> Judgement:
    """Compare a result with the lock.

    A class is this machine's when no facet differs but those that were shown not to change the result. A facet of which nothing was
    shown may be what makes the difference, so a machine that differs in it is of a class that the lock does not know yet.
    """
    comparable = [c for c in locked.classes if c.outcome.algorithm == outcome.algorithm]
    if not comparable:
        used = ", ".join(sorted({c.outcome.algorithm for c in locked.classes})) or "nothing"
        said = f"the lock was made by {used}, this result by {outcome.algorithm}: they cannot be compared; lock again"
        return Judgement(Agreement.ERROR, False, None, (), (), said)

    def apart(made: PlatformClass) -> tuple[str, ...]:
        return tuple(f for f in differing(made.platform, platform) if f not in locked.independent_of)

    def likeness(made: PlatformClass) -> tuple[int, int]:
        return sum(f in locked.depends_on for f in apart(made)), len(apart(made))

    equal = [c for c in comparable if c.outcome.digest == outcome.digest]
    nearest = min(equal or comparable, key=likeness)
    others = apart(nearest)
    if equal:
        return Judgement(Agreement.IDENTICAL, not others, nearest, others, (), "agrees bit for bit")
    values = _measure(locked, nearest.outcome, outcome)
    if not others:
        said = "differs from what was locked on this class of machines"
        return Judgement(Agreement.DIFFERENT, True, nearest, (), values, said)
    if not values:
        said = "differs, on a class of machines that is not in the lock, and there is no number to judge it by"
        return Judgement(Agreement.DIFFERENT, False, nearest, others, (), said)
    if all(value.holds for value in values):
        said = "agrees within tolerance, not bit for bit; this class of machines is added with `lock --add`"
        return Judgement(Agreement.WITHIN, False, nearest, others, values, said)
    bad = [value.name for value in values if not value.holds]
    said = f"differs by more than the tolerance, on a class of machines that is not in the lock: {', '.join(bad[:5])}"
    return Judgement(Agreement.DIFFERENT, False, nearest, others, values, said)


def _measure(locked: Locked, expected: Outcome, found: Outcome) -> tuple[Measured, ...]:
    measured = []
    for name in sorted(expected.values.keys() | found.values.keys()):
        a, b = expected.values.get(name), found.values.get(name)
        limit = tolerance.of(locked.tolerances, name)
        if a is None or b is None:
            measured.append(Measured(name, a, b, str(limit) if limit else None, None, False))
            continue
        holds = limit.holds(a, b) if limit is not None else a == b
        distance = limit.distance(a, b) if limit is not None and abs(a) + abs(b) < float("inf") else None
        measured.append(Measured(name, a, b, str(limit) if limit else None, distance, holds))
    return tuple(measured)
