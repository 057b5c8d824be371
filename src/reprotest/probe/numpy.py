"""NumPy: arrays that the program saves. Everything else that a NumPy program computes is seen when it is observed, returned or left over."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from reprotest.probe.saving import observe_saving

if TYPE_CHECKING:
    from reprotest.probe.child import Child

MODULE = "numpy"


def install(child: Child, module: ModuleType) -> None:
    observe_saving(child, module, "save", "numpy.save", first=1)
    observe_saving(child, module, "savetxt", "numpy.savetxt", first=1)
    for function in ("savez", "savez_compressed"):
        observe_saving(child, module, function, "numpy.savez", first=1, several=True)
