"""Switches the finer levels on when a thread enters the plan's window of steps, and off when the last one leaves it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reprotest.probe.child import Child
    from reprotest.probe.torch.modules import Modules
    from reprotest.probe.torch.names import Names
    from reprotest.probe.torch.operators import Operators
    from reprotest.probe.torch.steps import OptimizerSteps


class Finer:
    """The module level and the operator level, if the plan asks for one."""

    def __init__(self, child: Child, names: Names) -> None:
        self._child = child
        self._names = names
        self.steps: OptimizerSteps | None = None
        self._wanted = child.level in ("modules", "operators") and child.window is not None
        self._inside: set[int] = set()
        self._modules: Modules | None = None
        self._operators: Operators | None = None

    def update(self) -> None:
        """Called when the calling thread's step counter has changed."""
        if not self._wanted:
            return
        try:
            thread, inside = threading.get_ident(), self._child.in_window() and not self._child.is_worker
            if inside and thread not in self._inside:
                self._enter(thread)
            elif not inside and thread in self._inside:
                self._leave(thread)
        except Exception as error:
            self._child.note(f"the {self._child.level} could not be observed: {error!r}")

    @contextlib.contextmanager
    def loading(self) -> Iterator[None]:
        """While a batch is being made, what operators do is data."""
        operators = self._operators
        if operators is None:
            yield
            return
        with operators.loading():
            yield

    def _enter(self, thread: int) -> None:
        from reprotest.probe.torch.modules import Modules
        from reprotest.probe.torch.operators import Operators

        self._inside.add(thread)
        if self._modules is None:
            self._modules = Modules(self._child, self._names, record=self._child.level == "modules")
        self._modules.switch_on()
        if self._child.level == "operators":
            if self._operators is None and self.steps is not None:
                self._operators = Operators(self._child, self._names, self._modules, self.steps)
            if self._operators is not None:
                self._operators.switch_on()

    def _leave(self, thread: int) -> None:
        self._inside.discard(thread)
        if self._operators is not None:
            self._operators.switch_off()
        if self._modules is not None and not self._inside:
            self._modules.switch_off()
