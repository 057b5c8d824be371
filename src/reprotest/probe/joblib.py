"""joblib: the arrays in what the program dumps."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from reprotest.probe.saving import observe_saving

if TYPE_CHECKING:
    from reprotest.probe.child import Child

MODULE = "joblib"


def install(child: Child, module: ModuleType) -> None:
    observe_saving(child, module, "dump", "joblib.dump", only_user=True)
