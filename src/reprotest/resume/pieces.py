"""Which pieces of the state differ at the resumption, and the full run's data as the resumed run is to be given it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reprotest.probe.resumption import kept, keras
from reprotest.probe.resumption.variables import CONSTANT, HELD, HOLDERS, KINDS, REPLACED, kind
from reprotest.record.values import Value
from reprotest.resume.details import DETAILS, RANDOM

_BESIDE_LOADERS = ("iterator", "batch")
_WITHOUT = ("load",)


class Pieces:
    """What one process of a run has kept, without any framework.

    Attributes:
        pieces: at the step.
        log: of the whole run.
    """

    def __init__(self, run_dir: Path, stem: str) -> None:
        folder = kept.folder_of(run_dir)
        self.pieces: dict[str, Any] = kept.contents(folder, f"{stem}.pieces") or {}
        self.log: dict[str, Any] = kept.contents(folder, f"{stem}.log") or {}

    @property
    def loads(self) -> int | None:
        found = self.log.get("loads")
        return int(found) if found is not None else None


def differing(full: Pieces, second: Pieces, step: int) -> dict[str, str]:
    """Details of the pieces that differ, each with a note on what of it does.

    Args:
        full: the full run's, kept at that step.
        second: the resumed run's, at its first step.
        step: completed steps of the full run before it.
    """
    found = {}
    for detail in RANDOM:
        names = _generators(full.pieces, second.pieces, detail)
        if names:
            found[detail] = ", ".join(names)
    for piece in ("optimizer", "buffers", "scaler"):
        ours, theirs = full.pieces.get(piece), second.pieces.get(piece)
        if ours is not None and theirs is not None and not same(ours, theirs):
            found[piece] = _which(ours, theirs) if piece == "buffers" else ""
    if not same(_schedule(full.log, step), _schedule(second.log, 0)):
        found["scheduler"] = ""
    ours, theirs = _samples(full.log, step), _samples(second.log, 0)
    has_loaders = full.log.get("steps") and second.log.get("steps")
    if has_loaders and (ours is None or theirs is None or ours != theirs):
        found["data.position"] = ""
    return _variables(full.pieces, second.pieces) | {each.id: found[each.id] for each in DETAILS if each.id in found}


def kept_pieces(kept_: Pieces) -> dict[str, str]:
    """Details of all that was kept of a program without an optimizer of PyTorch's, each with a note on what it is."""
    found: dict[str, list[str]] = {}
    for name, of in _kinds(kept_.pieces).items():
        found.setdefault(f"{HELD}:{of}", []).append(name)
    for detail, piece in (("optimizer", keras.OPTIMIZER), ("buffers", keras.BUFFERS)):
        if any(kept_.pieces.get(piece, ())):
            found[detail] = []
    for detail in RANDOM:
        states = kept_.pieces.get("load", {}).get(detail, {})
        if states:
            found[detail] = list(states)
    order = [*(f"{HELD}:{detail}" for detail in KINDS), *(each.id for each in DETAILS)]
    return {name: _listed(found[name]) for name in order if name in found}


def replaced(restored: Pieces) -> dict[str, str]:
    """Of a resumed run with variables put back, those that held another value before: as `kept_pieces`."""
    return {piece: _listed(names) for piece, names in restored.log.get(REPLACED, {}).items() if names}


def _variables(full: dict[str, Any], second: dict[str, Any]) -> dict[str, str]:
    """Of the program's variables those that differ, or that an object in the resumed run lacks: "held:" and the detail → their names."""
    ours, theirs, holders = full.get(HELD, {}), second.get(HELD, {}), set(second.get(HOLDERS, ()))
    found: dict[str, list[str]] = {}
    for name, of in _kinds(full).items():
        lacks = name not in theirs and name.rpartition(".")[0] in holders
        if lacks or (name in theirs and not same(ours[name], theirs[name])):
            found.setdefault(of, []).append(name)
    return {f"{HELD}:{detail}": _listed(found[detail]) for detail in KINDS if detail in found}


def _kinds(pieces: dict[str, Any]) -> dict[str, str]:
    """The detail of each of the program's variables that the training changes."""
    held, constant = pieces.get(HELD, {}), set(pieces.get(CONSTANT, ()))
    numbers = {name for name, value in held.items() if not isinstance(value, Value) or value.shape == ()}
    arrays = [name for name in held if name not in numbers]
    return {name: kind(name, number=name in numbers, arrays=arrays) for name in held if name not in constant}


def idle(full: Pieces) -> set[str]:
    """Details of the generators from which the full run drew nothing between its first step and the resumption."""
    began = full.pieces.get("start", {})
    moments = [full.pieces[m] for m in ("load", *_BESIDE_LOADERS) if m in full.pieces]
    return {
        d for d in RANDOM if began.get(d) and all(same(_common(began[d], m.get(d, {})), m.get(d, {})) for m in moments)
    }


def _common(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    return {name: state for name, state in a.items() if name in b}


def _generators(full: dict[str, Any], second: dict[str, Any], detail: str) -> list[str]:
    """Names of the generators whose states differ at a moment that both runs have."""
    names: dict[str, None] = {}
    moments = [m for m in _BESIDE_LOADERS if m in full and m in second] or list(_WITHOUT)
    for moment in moments:
        ours, theirs = full.get(moment, {}).get(detail, {}), second.get(moment, {}).get(detail, {})
        for name in ours:
            if name in theirs and not same(ours[name], theirs[name]):
                names.setdefault(name)
    return list(names)


def _which(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    return _listed([name for name in ours if name in theirs and not same(ours[name], theirs[name])])


def _listed(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def same(a: Any, b: Any) -> bool:
    """Are two trees equal, bit for bit?"""
    if isinstance(a, Value) and isinstance(b, Value):
        return (a.dtype, a.shape) == (b.dtype, b.shape) and a.raw == b.raw
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b or (a != a and b != b))


# --- the schedule -----------------------------------------------------------------------------------------------


def _schedule(log: dict[str, Any], begin: int) -> list[dict[str, Any]]:
    """What the hyperparameters are at that step, and how they change afterwards; steps counted from there."""
    now: dict[int, Any] = {}
    later = []
    for entry in log.get("schedule", ()):
        if entry["step"] <= begin:
            now[entry["optimizer"]] = {**entry, "step": 0}
        else:
            later.append({**entry, "step": entry["step"] - begin})
    return [now[number] for number in sorted(now)] + later


# --- the data ---------------------------------------------------------------------------------------------------


def _training(log: dict[str, Any], begin: int) -> list[tuple[int, int]]:
    """The passes over a loader that steps were made from, since that step: (number, batches given out by it before the first of them)."""
    found: dict[int, int] = {}
    for step, number, given in log.get("steps", ()):
        if step >= begin:
            found.setdefault(number, given)
    return list(found.items())


def _samples(log: dict[str, Any], begin: int) -> list[Any] | None:
    """The batches of indices given out from that step on; None where they are not known."""
    found: list[Any] = []
    for count, (number, given) in enumerate(_training(log, begin)):
        batches = log["passes"][number]["batches"]
        if batches is None:
            return None
        last = max((g for step, n, g in log["steps"] if n == number), default=0)
        found += batches[given - 1 if count == 0 else 0 : last]
    return found


def data_for(full: dict[str, Any], second: dict[str, Any], step: int) -> dict[str, Any]:
    """The full run's log in the terms of the resumed run: schedule by its steps, passes by its numbers."""
    ours, theirs = _training(full, step), _training(second, 0)
    passes: dict[str, Any] = {}
    for count, (number, given) in enumerate(theirs):
        if count >= len(ours):  # the full run has no more data for it
            passes[str(number)] = {"offset": 0, "batches": [], "ended": True, "any": False}
            continue
        source, position = ours[count]
        log = full["passes"][source]
        offset = position - given if count == 0 else 0
        passes[str(number)] = {"offset": offset, "batches": log["batches"], "ended": log["ended"], "any": True}
    return {"schedule": _schedule(full, step), "passes": passes}
