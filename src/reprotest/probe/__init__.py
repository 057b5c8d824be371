"""What is observed inside a run: one module (or package) of this folder per framework.

A probe is named after the framework's top-level import and offers `MODULE`, the import that it waits for, and `install(child, module)`,
which is called once, right after that import. Nothing of it is loaded before the program itself imports the framework.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from reprotest.probe.child import Child


def probe_names() -> list[str]:
    """Frameworks for which this folder may hold a probe (its other modules offer no `install` and do nothing)."""
    names = set()
    for entry in os.scandir(__path__[0]):
        if entry.name.endswith(".py"):
            names.add(entry.name[:-3])
        elif os.path.isfile(os.path.join(entry.path, "__init__.py")):
            names.add(entry.name)
    return sorted(name for name in names if name != "__init__" and f"{__name__}.{name}" not in sys.modules)


def install_probes(child: Child) -> None:
    """Arm every probe; where the plan asks for it, trace lines."""
    for name in probe_names():
        child.on_import(name, lambda module, name=name: _load(child, name, module))  # type: ignore[misc]
    child.at_exit(lambda: _put_leftovers(child))
    if child.plan.resume is not None:
        from reprotest.probe import resumption

        resumption.install(child)
    if child.level == "lines":
        from reprotest.probe import lines

        lines.install(child)


def _put_leftovers(child: Child) -> None:
    from reprotest.probe.leftovers import put_leftovers

    put_leftovers(child)


def _load(child: Child, name: str, module: ModuleType) -> None:
    probe = importlib.import_module(f"{__name__}.{name}")
    if not hasattr(probe, "install"):
        return
    if name == probe.MODULE:
        probe.install(child, module)
    else:
        child.on_import(probe.MODULE, lambda inner: probe.install(child, inner))
