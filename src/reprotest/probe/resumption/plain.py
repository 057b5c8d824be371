"""Programs that no optimizer of PyTorch's trains: NumPy loops, scikit-learn, Keras, tensors updated by hand.

Their state is kept where the first run has saved its last checkpoint, and put back where the resumed run enters the loop that does so.
A program of which no step is seen counts the files that it saves as its steps (`order["steps"] == "saves"`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprotest.probe.resumption.files import Files
from reprotest.probe.resumption.generators import Generators
from reprotest.probe.resumption.keras import Keras
from reprotest.probe.resumption.loops import LOOP, Waiting, loop_round
from reprotest.probe.resumption.moments import Moments
from reprotest.probe.resumption.variables import Variables
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child


class Plain:
    """Keeps and puts back in one process."""

    def __init__(self, child: Child, moments: Moments, order: dict[str, Any]) -> None:
        self._child = child
        self._moments = moments
        self._order = order
        self._generators = Generators(child, moments)
        self._variables = Variables(child, moments)
        self._keras = Keras(child, moments)
        self._before: dict[str, Any] = {}

    def install(self) -> None:
        Files(self._child, self._moments, self._saved, self._loaded).install()
        self._keras.install()

    def _saved(self, count: int, recorded: bool) -> None:
        last = self._order.get("at_save")
        if last is not None and count in (1, last):
            place, frame = loop_round(self._child) or (None, None)
            if count == 1:
                self._before = self._variables.marks(frame, arrays=last > 1)
            if count == last:
                self._moments.pieces |= {LOOP: place, "load": self._generators.states(frame)}
                self._variables.keep(self._before, frame)
                self._keras.keep()
        if recorded and self._order.get("steps") == "saves":
            self._child.observe("checkpoint", Phase.UPDATE, True)
            self._child.end_step()

    def _loaded(self) -> None:
        if self._child.step == 0 and self._moments.loaded() and self._moments.restore:
            place = self._moments.given.get(LOOP)
            if place is None:
                self._put()
            else:
                Waiting(self._child, place, lambda: self._moments.guarded("the state that was lost", self._put)).start()

    def _put(self) -> None:
        self._generators.put(self._moments.given.get("load", {}))
        self._variables.put()
