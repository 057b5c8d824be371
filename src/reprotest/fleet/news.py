"""What a session on a worker tells of its progress, as plain data that Dask carries."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from reprotest.options import (
    ExperimentEnded,
    ExperimentStarted,
    OnEvent,
    ProgressEvent,
    RunEnded,
    RunStarted,
    Stage,
    StageStarted,
    StepReached,
)
from reprotest.result import Experiment

_EVERY = 0.5
"""Seconds between two steps that are told of."""


def teller(tell: Callable[[dict[str, Any]], None]) -> OnEvent:
    """A listener that hands on, as plain data, what is worth the way."""
    last = 0.0

    def listen(event: ProgressEvent) -> None:
        nonlocal last
        if isinstance(event, StepReached):
            if time.monotonic() - last < _EVERY:
                return
            last = time.monotonic()
        if isinstance(event, ExperimentEnded):
            row = event.experiment
            tell({"kind": "ExperimentEnded", "what": row.what, "factor": row.factor, "outcome": row.outcome, "seconds": row.seconds})  # fmt: skip
        elif type(event) in _PLAIN:
            plain = {key: str(value) if isinstance(value, Stage) else value for key, value in vars(event).items()}
            tell({"kind": type(event).__name__, **plain})

    return listen


_PLAIN = (StageStarted, RunStarted, StepReached, RunEnded, ExperimentStarted)


def heard(news: Mapping[str, Any]) -> ProgressEvent | None:
    """The event that was told of; None for what cannot be understood."""
    given = dict(news)
    kind = given.pop("kind", None)
    try:
        if kind == "ExperimentEnded":
            return ExperimentEnded(Experiment(**given))
        if kind == "StageStarted":
            return StageStarted(Stage(given["stage"]), given["runs"])
        made: ProgressEvent | None = next((one(**given) for one in _PLAIN if one.__name__ == kind), None)
        return made
    except (KeyError, TypeError, ValueError):
        return None
