"""What the probe is to do in each kind of run (`Plan.resume`, read by `reprotest.probe.resumption`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprotest.probe.resumption.kept import folder_of


def straight(plain: Plain | None = None) -> dict[str, Any]:
    """The full run: keep which samples were given out, which hyperparameters were used, and which files were saved."""
    return {} if plain is None else plain.order()


@dataclass(frozen=True)
class Plain:
    """How to observe a program that no optimizer of PyTorch's trains.

    Attributes:
        by_saves: no step is seen: the files that it saves are its steps.
        saves: how many files the first run saved.
        files: which.
    """

    by_saves: bool = False
    saves: int = 0
    files: tuple[str, ...] = ()

    def order(self) -> dict[str, Any]:
        return {"plain": True, "files": list(self.files), **({"steps": "saves"} if self.by_saves else {})}


def keeping_saved(plain: Plain) -> dict[str, Any]:
    """The first run again: keep the state with which it has saved its last file."""
    return {**plain.order(), "at_save": plain.saves}


def keeping(step: int) -> dict[str, Any]:
    """The full run again: keep the pieces of the state round this step."""
    return {"at": step}


def stopping(step: int, checkpoint: Path) -> dict[str, Any]:
    """A trainer's run that is to leave a checkpoint after so many steps, and to end there."""
    return {"checkpoint": str(checkpoint), "stop": step}


def resumed(checkpoint: Path | None = None, plain: Plain | None = None) -> dict[str, Any]:
    """The resumed run, as it is."""
    order: dict[str, Any] = {"at": 0} if plain is None else {"at": 0, **plain.order()}
    return order | ({"checkpoint": str(checkpoint)} if checkpoint is not None else {})


def restoring(
    details: Iterable[str],
    given: Path,
    data: Path,
    loads: int | None,
    checkpoint: Path | None = None,
    plain: Plain | None = None,
) -> dict[str, Any]:
    """The resumed run with pieces put back.

    Args:
        details: which.
        given: the folder of the run that has kept them.
        data: the folder in which lies what is made of that run's log.
        loads: how many parts of the checkpoint the resumed run loads before its first step.
        checkpoint: a trainer's.
        plain: no optimizer of PyTorch's trains the program.
    """
    return {
        **resumed(checkpoint, plain),
        "restore": sorted(details),
        "pieces": str(folder_of(given)),
        "data": str(data),
        "loads": loads,
    }
