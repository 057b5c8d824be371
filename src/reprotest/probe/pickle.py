"""pickle: the arrays in what the user's own code dumps into a file."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from reprotest.probe.saving import observe_saving

if TYPE_CHECKING:
    from reprotest.probe.child import Child

MODULE = "pickle"


def install(child: Child, module: ModuleType) -> None:
    observe_saving(child, module, "dump", "pickle.dump", only_user=True)
