"""safetensors: the tensors that the program saves."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from reprotest.probe.saving import observe_saving

if TYPE_CHECKING:
    from reprotest.probe.child import Child

MODULE = "safetensors"


def install(child: Child, module: ModuleType) -> None:
    for framework in ("torch", "numpy"):

        def loaded(found: ModuleType) -> None:
            observe_saving(child, found, "save_file", "safetensors.save_file")

        child.on_import(f"safetensors.{framework}", loaded)
