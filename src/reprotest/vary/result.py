"""The result of `vary`, as every presenter reads it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from reprotest.result import Difference


class Verdict(StrEnum):
    """What `vary` found. Exit codes: insensitive 0, sensitive and unstable 1, error 3."""

    INSENSITIVE = "insensitive"
    """No variation changes the result."""
    SENSITIVE = "sensitive"
    """The same whenever it is repeated, but other under some variation."""
    UNSTABLE = "unstable"
    """It differs when it is merely repeated."""
    ERROR = "error"
    """The command itself fails."""


class Course(StrEnum):
    """How two trainings are to each other at their end."""

    SAME = "same"
    """They end with the same bits, though they differ on the way."""
    DRIFT = "drift"
    """Rounding: they stay together but for a small part of their size."""
    ELSEWHERE = "elsewhere"
    """They end at another place."""


@dataclass(frozen=True)
class Final:
    """How far apart two runs end: their last parameters, or where nothing was trained their last observed values.

    Attributes:
        max_abs, max_rel, ulp: as of a `Difference`; all 0 when they end with the same bits, None when it cannot be told.
        distance: Euclidean, relative to the size of the reference; None when the numbers were not kept.
    """

    max_abs: float | None = None
    max_rel: float | None = None
    ulp: int | None = None
    distance: float | None = None

    @property
    def course(self) -> Course | None:
        """Drift or another place; None when nothing is known of the end."""
        if self.max_abs is None and self.ulp is None:
            return None
        if not self.max_abs and not self.ulp:
            return Course.SAME
        apart = self.distance if self.distance is not None else self.max_rel
        return None if apart is None else Course.DRIFT if apart < DRIFT else Course.ELSEWHERE


DRIFT = 1e-3
"""Relative distance of the ends up to which a training only drifts."""


@dataclass(frozen=True)
class Other:
    """A variation that belongs to an interaction: its factor, and the value that it had."""

    factor: str
    to: str


@dataclass(frozen=True)
class Sensitivity:
    """A variation that changes the result.

    Attributes:
        factor: the factor's id.
        start, to: its value in the reference, and the one that changes the result.
        first_difference: where first, and by how much there.
        final: how far apart the runs end.
        fix: what to change.
        beside: other variations without which it does not change the result: an interaction.
        location: the user's line through which the factor acts, where there is but one; None where several use it or none is seen.
    """

    factor: str
    start: str
    to: str
    first_difference: Difference | None
    final: Final
    fix: str
    beside: tuple[Other, ...] = ()
    location: str | None = None


@dataclass(frozen=True)
class Skipped:
    """A factor, or one value of it (`to`), that was not tried, and why."""

    factor: str
    why: str
    to: str | None = None


@dataclass(frozen=True)
class Trial:
    """One run under some variations ("threads.count: 1") and what came out.

    Attributes:
        outcome: identical | different | inconclusive.
        seconds: wall time; 0 for one that an interrupted session had carried out.
    """

    what: tuple[str, ...]
    outcome: str
    seconds: float
    difference: Difference | None = None
    note: str | None = None


@dataclass(frozen=True)
class Worker:
    """One worker of a cluster, and its part.

    Attributes:
        name: of the worker.
        host: the name that the machine gives itself.
        status: used | other (its reference is another one) | idle (it would meet another one in the files that the command leaves) |
            failed | lost | late
        why: in words, unless used.
        runs: questions that it has answered.
    """

    name: str
    host: str
    status: str
    why: str | None = None
    runs: int = 0


@dataclass
class VaryReport:
    """Everything that `vary` has to say."""

    verdict: Verdict
    command: list[str]
    steps: int = 0
    seconds: float = 0.0
    sensitive_to: list[Sensitivity] = field(default_factory=list)
    insensitive_to: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    untried: list[Skipped] = field(default_factory=list)
    """Single values that were not tried of factors that were."""
    first_difference: Difference | None = None
    """Of two runs with everything held, when the verdict is UNSTABLE."""
    trials: list[Trial] = field(default_factory=list)
    observed: dict[str, int] = field(default_factory=dict)
    unobserved: list[str] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)
    error: str | None = None
    records: list[str] = field(default_factory=list)
    resumed: int = 0
    """How many runs of an interrupted session were not made again."""
    interrupted: bool = False
    complete: bool = True
    """False when it was interrupted or ran out of its budget."""
    hosts: list[Worker] = field(default_factory=list)
    """The workers that took part; empty unless that was on a cluster."""

    def to_json(self) -> dict[str, Any]:
        """The document of schema reprotest.vary/1, with more keys after the promised ones."""
        return {
            "schema": "reprotest.vary/1",
            "verdict": str(self.verdict),
            "sensitive_to": [_sensitivity(item) for item in self.sensitive_to],
            "insensitive_to": self.insensitive_to,
            "skipped": [{"factor": item.factor, "why": item.why} for item in self.skipped],
            "command": self.command,
            "steps": self.steps,
            "seconds": round(self.seconds, 3),
            "untried": [asdict(item) for item in self.untried],
            "first_difference": _difference(self.first_difference),
            "trials": [{**asdict(trial), "difference": _difference(trial.difference)} for trial in self.trials],
            "observed": self.observed,
            "unobserved": self.unobserved,
            "masked": self.masked,
            "error": self.error,
            "records": self.records,
            "resumed": self.resumed,
            "interrupted": self.interrupted,
            "complete": self.complete,
            "hosts": [asdict(worker) for worker in self.hosts],
        }


def _sensitivity(item: Sensitivity) -> dict[str, Any]:
    final = item.final
    return {
        "factor": item.factor,
        "from": item.start,
        "to": item.to,
        "first_difference": _difference(item.first_difference),
        "final": {"max_abs": final.max_abs, "max_rel": final.max_rel, "ulp": final.ulp, "distance": final.distance},
        "course": None if final.course is None else str(final.course),
        "beside": [asdict(other) for other in item.beside],
        "fix": item.fix,
        "location": item.location,
    }


def _difference(difference: Difference | None) -> dict[str, Any] | None:
    keys = ("step", "phase", "name", "op", "location", "max_abs", "max_rel", "ulp", "kind", "stream", "note")
    return None if difference is None else {key: getattr(difference, key) for key in keys}
