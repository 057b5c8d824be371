"""How runs ended: what it means when one has fewer frames, or a whole stream less, than the other."""

from __future__ import annotations

import signal

from reprotest.record.directory import Record


def died(record: Record) -> bool:
    """Did the command end by itself with a failure?"""
    code = record.exit.get("exit_code")
    return finished(record) and code is not None and code != 0


def finished(record: Record) -> bool:
    """Did the command end by itself? True also when nothing is known."""
    return bool(record.exit.get("ended", "finished") == "finished")


def cut_short(shorter: Record, run: int, where: str) -> tuple[str, str] | None:
    """What it means that a run has nothing more where the other goes on: kind and note; None when we ended it.

    Args:
        shorter: the run's record.
        run: its number, 1 or 2.
        where: the end of the sentence: "here".
    """
    if not finished(shorter):
        return None
    said = f"run {run} {ending(shorter)} {where}"
    return ("died", said) if died(shorter) else ("length", f"{said}; the other run went on")


def ending(record: Record) -> str:
    """How the command ended, in words."""
    code = record.exit.get("exit_code")
    if not finished(record):
        return "was ended by us"
    if code is None:
        return "ended"
    if isinstance(code, int) and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return f"was killed by {name}"
    return f"ended with exit code {code}"
