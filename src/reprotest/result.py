"""The one result tree that the diagnosis fills and every presenter reads (terminal, JSON, JUnit, Markdown, HTML)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What `run` found. Exit codes: identical 0, different 1, error 3."""

    IDENTICAL = "identical"
    DIFFERENT = "different"
    ERROR = "error"


@dataclass(frozen=True)
class Difference:
    """The first thing whose output differs while its inputs agree.

    Attributes:
        kind: value | order | shape | dtype | missing | extra | length | died | exit. `order` means the same rows in another order.
        step: completed optimiser steps before it (0-based); for observed values, how many of that name came before.
        phase: init | data | forward | loss | backward | update | metric | output.
        name: tensor, module or value name ("conv1.weight").
        op: operator ("aten::mm"), when the operator pass found it.
        location: "path:line" in the user's code.
        max_abs, max_rel: largest absolute / relative difference of elements (float64); None when not comparable or not kept.
        ulp: largest distance in units in the last place of the tensor's own dtype.
        stream: which process and thread ("main", "rank1").
        note: a sentence for people (e.g. "same rows in another order", "run 2 ended here with exit code 1").
    """

    step: int
    phase: str
    name: str
    kind: str = "value"
    op: str | None = None
    location: str | None = None
    max_abs: float | None = None
    max_rel: float | None = None
    ulp: int | None = None
    stream: str = "main"
    note: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The keys that DESIGN.md promises, then more."""
        keys = ("step", "phase", "name", "op", "location", "max_abs", "max_rel", "ulp", "kind", "stream", "note")
        return {key: getattr(self, key) for key in keys}


@dataclass(frozen=True)
class Cause:
    """A factor shown (proven) or reasoned (not proven) to make the runs differ."""

    factor: str
    proven: bool
    location: str | None
    evidence: str
    fix: str
    first_difference: Difference | None = None


@dataclass(frozen=True)
class Watched:
    """A factor that the program uses. `affects_result` is False only when an experiment or identical runs showed it; None: not known."""

    factor: str
    location: str | None
    calls: int
    affects_result: bool | None


@dataclass(frozen=True)
class Experiment:
    """One row of the table of experiments: what was held, what was varied, what came out, what it cost."""

    what: str
    factor: str | None
    outcome: str
    """identical | different | inconclusive | failed"""
    seconds: float
    runs: int = 1
    difference: Difference | None = None
    note: str | None = None


@dataclass(frozen=True)
class Host:
    """Where one of the repeated runs was made, when that was on a cluster, or what became of it.

    Attributes:
        run: its number, from 1.
        name: of the worker.
        host: the name that the machine gives itself.
        status: done | failed | lost | late
        why: in words, unless done.
        seconds: that it took.
    """

    run: int
    name: str
    host: str
    status: str = "done"
    why: str | None = None
    seconds: float = 0.0


@dataclass
class RunReport:
    """Everything that `run` has to say."""

    verdict: Verdict
    command: list[str]
    runs: int
    steps: int
    seconds: float
    first_difference: Difference | None = None
    causes: list[Cause] = field(default_factory=list)
    watched: list[Watched] = field(default_factory=list)
    experiments: list[Experiment] = field(default_factory=list)
    located: list[Difference] = field(default_factory=list)
    """The finer passes' own first differences: module level, then operator level."""
    observed: dict[str, int] = field(default_factory=dict)
    """How many events of each phase one run left ({"data": 40, …})."""
    unobserved: list[str] = field(default_factory=list)
    """Sentences on what could not be observed."""
    masked: list[str] = field(default_factory=list)
    """What was masked in the output before it was compared."""
    not_varied: list[str] = field(default_factory=list)
    """Factor ids that an identical verdict says nothing about."""
    exit_codes: list[int] = field(default_factory=list)
    error: str | None = None
    records: list[str] = field(default_factory=list)
    """Where the records of the repeated runs lie, relative to the working directory."""
    interrupted: bool = False
    hosts: list[Host] = field(default_factory=list)
    """Where the runs were made; empty unless that was on a cluster."""
    environment: dict[str, Any] | None = None
    """When hosts differ: "a" and "b", their names, and "findings", what differs between them, as `compare` tells it."""

    def to_json(self) -> dict[str, Any]:
        """The document of DESIGN.md's section 4 (schema reprotest.run/1), with more keys after the promised ones."""

        def difference(d: Difference | None) -> dict[str, Any] | None:
            return None if d is None else d.to_json()

        causes = []
        for cause in self.causes:
            item = asdict(cause)
            item["first_difference"] = difference(cause.first_difference)
            causes.append(item)
        experiments = []
        for experiment in self.experiments:
            item = asdict(experiment)
            item["difference"] = difference(experiment.difference)
            experiments.append(item)
        return {
            "schema": "reprotest.run/1",
            "verdict": str(self.verdict),
            "command": self.command,
            "runs": self.runs,
            "steps": self.steps,
            "seconds": round(self.seconds, 3),
            "first_difference": difference(self.first_difference),
            "causes": causes,
            "watched": [asdict(w) for w in self.watched],
            "experiments": experiments,
            "located": [difference(d) for d in self.located],
            "observed": self.observed,
            "unobserved": self.unobserved,
            "masked": self.masked,
            "not_varied": self.not_varied,
            "exit_codes": self.exit_codes,
            "error": self.error,
            "records": self.records,
            "interrupted": self.interrupted,
            "hosts": [asdict(host) for host in self.hosts],
            "environment": self.environment,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> RunReport:
        """The result that such a document was made of; keys that a newer version has added are passed over.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: it is no such document.
        """
        known = {f.name: document[f.name] for f in fields(cls) if f.name in document}
        return cls(
            **{
                **known,
                "verdict": Verdict(document["verdict"]),
                "command": [str(word) for word in document["command"]],
                "first_difference": difference_from_json(document.get("first_difference")),
                "causes": [cause_from_json(item) for item in document.get("causes") or ()],
                "watched": [_of(Watched, item) for item in document.get("watched") or ()],
                "experiments": [
                    _of(Experiment, item, difference=difference_from_json(item.get("difference")))
                    for item in document.get("experiments") or ()
                ],
                "hosts": [_of(Host, item) for item in document.get("hosts") or ()],
                "located": [d for item in document.get("located") or () if (d := difference_from_json(item))],
            }
        )


def difference_from_json(item: Mapping[str, Any] | None) -> Difference | None:
    """A difference as `to_json` writes it."""
    return None if item is None else _of(Difference, item)


def cause_from_json(item: Mapping[str, Any]) -> Cause:
    """A cause as `to_json` writes it."""
    given = {"location": None, "evidence": "", "fix": "", **item}
    made: Cause = _of(Cause, given, first_difference=difference_from_json(item.get("first_difference")))
    return made


def _of(kind: type[Any], item: Mapping[str, Any], **instead: Any) -> Any:
    names = {f.name for f in fields(kind)}
    return kind(**{**{key: value for key, value in item.items() if key in names}, **instead})
