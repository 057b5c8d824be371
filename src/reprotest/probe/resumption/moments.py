"""The moments round one step at which pieces of the state are taken, or put back.

In the full run that step is the first one after the resumption point (`at`), in the resumed run it is its first. The moments of that step
are named alike in both, so that what one run has kept at a moment can be put back by the other at the same one:

    start      (full run only) the first step of all: a generator whose state is the same later on has not been drawn from
    load       the resumed run has just loaded the last part of its checkpoint; in the full run, the step before has ended
    iterator   a loader is about to be iterated over, for the last time before the step
    fetch      samples are about to be read in this very process (told apart by their indices)
    batch      a batch has been handed out

The optimizers are looked at when the first of them is about to step, a gradient scaler when it is first used.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprotest.probe.resumption import kept

if TYPE_CHECKING:
    from reprotest.probe.child import Child


class Moments:
    """What one process keeps, and what it is to put back.

    Attributes:
        at: the step.
        restore: details of the pieces to put back ("torch.random", …).
        pieces: what is kept of this process: moment or piece → tree.
        log: what is kept of the whole run: samples given out, hyperparameters used, files saved.
    """

    def __init__(self, child: Child, order: dict[str, Any]) -> None:
        self._child = child
        self.order = order
        self.at: int | None = order.get("at")
        self.restore = frozenset(order.get("restore", ()))
        self.pieces: dict[str, Any] = {}
        self.log: dict[str, Any] = {}
        self._loads = 0
        self._endings: list[Callable[[], None]] = []
        self._listeners: list[tuple[str, Callable[[str], None]]] = []

    @cached_property
    def given(self) -> dict[str, Any]:
        """What the full run has kept, when something is to be put back. Read when it is needed, by then the frameworks are imported."""
        if not self.restore:
            return {}
        stem = stem_of(self._child)
        given: dict[str, Any] = kept.read(Path(self.order["pieces"]), f"{stem}.pieces") or {}
        return {**given, **(kept.read(Path(self.order["data"]), f"{stem}.data") or {})}

    @property
    def here(self) -> bool:
        """Is this the step, in the thread that trains?"""
        return self._child.step == self.at and self._child.in_main_thread() and not self._child.is_worker

    @property
    def counts(self) -> bool:
        """Is this a process and thread whose training is compared?"""
        return self._child.in_main_thread() and not self._child.is_worker

    def wanted(self, detail: str) -> bool:
        return detail in self.restore

    def listen(self, what: str, then: Callable[[str], None]) -> None:
        """Call `then(moment)` at every moment of the step."""
        self._listeners.append((what, then))

    def at_end(self, then: Callable[[], None]) -> None:
        """Call `then()` before everything is written."""
        self._endings.append(then)

    def reached(self, moment: str) -> None:
        for what, then in self._listeners:
            self.guarded(what, lambda then=then: then(moment))  # type: ignore[misc]

    def guarded(self, what: str, work: Callable[[], None]) -> None:
        """Our own work must not fail the program."""
        try:
            work()
        except Exception as error:
            self._child.note(f"{what} could not be kept or put back: {error!r}")

    def loaded(self) -> bool:
        """A part of a checkpoint has just been loaded. Is it the last one before the step?"""
        self._loads += 1
        if self._child.step == 0:
            self.log["loads"] = self._loads
        return self.order.get("loads") in (None, self._loads)

    def write(self) -> None:
        """Leave everything in the run's folder."""
        for then in self._endings:
            self.guarded("the end", then)
        folder, stem = kept.folder_of(self._child.plan.run_dir), stem_of(self._child)
        for name, tree in (("pieces", self._writable()), ("log", self.log)):
            if tree:
                self.guarded(name, lambda name=name, tree=tree: kept.write(folder, f"{stem}.{name}", tree))  # type: ignore[misc]

    def _writable(self) -> dict[str, Any]:
        """Without the pieces that are no plain data."""
        good = {}
        for name, tree in self.pieces.items():
            try:
                kept._encoded(tree, lambda value: 0)
                good[name] = tree
            except kept.Unkept as error:
                self._child.note(f"{name} could not be kept: it holds {error}")
        return good


def stem_of(child: Child) -> str:
    """Name of a process's files."""
    return child.process_key.replace("/", "~")
