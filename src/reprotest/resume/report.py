"""The result of `resume`, which its presenters read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from reprotest.result import Difference, Experiment, Verdict

FACTOR = "checkpoint.state"


@dataclass(frozen=True)
class Lost:
    """A piece of the state that the resumed run did not have.

    Attributes:
        detail: which piece (`details.DETAILS`).
        proven: with it put back the resumed run agrees with the full one, without it it does not.
        variables: the program's own variables that hold it; empty for what a framework keeps.
    """

    detail: str
    proven: bool
    evidence: str
    fix: str
    variables: str = ""


@dataclass
class ResumeReport:
    """Everything that `resume` has to say.

    Attributes:
        commands: "full", "first", "second": as the user gave them. Of one command alone only "full".
        steps: optimizer steps that the full run made.
        resumed_at: the full run's step (from 0) with which the resumed run begins; None when that is not known.
        compared: steps after the resumption that both runs made.
        held: factors that were held in all runs, because the program does not repeat by itself.
    """

    verdict: Verdict
    commands: dict[str, list[str]]
    steps: int = 0
    resumed_at: int | None = None
    compared: int = 0
    seconds: float = 0.0
    first_difference: Difference | None = None
    causes: list[Lost] = field(default_factory=list)
    experiments: list[Experiment] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    unobserved: list[str] = field(default_factory=list)
    records: list[str] = field(default_factory=list)
    error: str | None = None
    interrupted: bool = False

    def to_json(self) -> dict[str, Any]:
        """The document of schema reprotest.resume/1 (docs/schema/resume.schema.json)."""
        return {
            "schema": "reprotest.resume/1",
            "verdict": str(self.verdict),
            "commands": self.commands,
            "steps": self.steps,
            "resumed_at": self.resumed_at,
            "compared": self.compared,
            "seconds": round(self.seconds, 3),
            "first_difference": None if self.first_difference is None else asdict(self.first_difference),
            "causes": [{"factor": FACTOR, **asdict(cause)} for cause in self.causes],
            "experiments": [asdict(row) for row in self.experiments],
            "held": self.held,
            "unobserved": self.unobserved,
            "records": self.records,
            "error": self.error,
            "interrupted": self.interrupted,
        }
