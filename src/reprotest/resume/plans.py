"""What the probe is to do in each kind of run (`Plan.resume`, read by `reprotest.probe.resumption`)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from reprotest.probe.resumption.kept import folder_of


def straight() -> dict[str, Any]:
    """The full run: keep which samples were given out and which hyperparameters were used."""
    return {}


def keeping(step: int) -> dict[str, Any]:
    """The full run again: keep the pieces of the state round this step."""
    return {"at": step}


def stopping(step: int, checkpoint: Path) -> dict[str, Any]:
    """A trainer's run that is to leave a checkpoint after so many steps, and to end there."""
    return {"checkpoint": str(checkpoint), "stop": step}


def resumed(checkpoint: Path | None = None) -> dict[str, Any]:
    """The resumed run, as it is."""
    return {"at": 0} | ({"checkpoint": str(checkpoint)} if checkpoint is not None else {})


def restoring(
    details: Iterable[str], given: Path, data: Path, loads: int | None, checkpoint: Path | None = None
) -> dict[str, Any]:
    """The resumed run with pieces put back.

    Args:
        details: which.
        given: the folder of the run that has kept them.
        data: the folder in which lies what is made of that run's log.
        loads: how many parts of the checkpoint the resumed run loads before its first step.
        checkpoint: a trainer's.
    """
    return {
        **resumed(checkpoint),
        "restore": sorted(details),
        "pieces": str(folder_of(given)),
        "data": str(data),
        "loads": loads,
    }
