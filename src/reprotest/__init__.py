"""Proves that machine-learning training repeats bit for bit, and finds the cause when it does not.

Names are imported when they are first used: this module is also loaded into every process under test, which must not pay
for what it does not need. PYTEST_DONT_REWRITE keeps pytest from warning that those processes import it before pytest does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprotest.api import assert_reproducible, observe, run
    from reprotest.config import load_config
    from reprotest.errors import (
        CommandError,
        CommandFailed,
        ConfigError,
        NotReproducible,
        RecordError,
        ReprotestError,
        StorageError,
        UsageError,
    )
    from reprotest.options import RunOptions
    from reprotest.result import Cause, Difference, Experiment, RunReport, Verdict, Watched
    from reprotest.seeding.control import seeded, set_seed
    from reprotest.seeding.loading import dataloader
    from reprotest.seeding.report import SeedReport
    from reprotest.seeding.state import RNGState
    from reprotest.seeding.worker import seed_worker

_HOMES = {
    "reprotest.api": ("assert_reproducible", "observe", "run"),
    "reprotest.config": ("load_config",),
    "reprotest.errors": (
        "CommandError",
        "CommandFailed",
        "ConfigError",
        "NotReproducible",
        "RecordError",
        "ReprotestError",
        "StorageError",
        "UsageError",
    ),
    "reprotest.options": ("RunOptions",),
    "reprotest.result": ("Cause", "Difference", "Experiment", "RunReport", "Verdict", "Watched"),
    "reprotest.seeding.control": ("seeded", "set_seed"),
    "reprotest.seeding.loading": ("dataloader",),
    "reprotest.seeding.report": ("SeedReport",),
    "reprotest.seeding.state": ("RNGState",),
    "reprotest.seeding.worker": ("seed_worker",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Cause",
    "CommandError",
    "CommandFailed",
    "ConfigError",
    "Difference",
    "Experiment",
    "NotReproducible",
    "RNGState",
    "RecordError",
    "ReprotestError",
    "RunOptions",
    "RunReport",
    "SeedReport",
    "StorageError",
    "UsageError",
    "Verdict",
    "Watched",
    "assert_reproducible",
    "dataloader",
    "load_config",
    "observe",
    "run",
    "seed_worker",
    "seeded",
    "set_seed",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from reprotest.version import version

        return version()
    try:
        home = _HOME[name]
    except KeyError:
        raise AttributeError(f"module 'reprotest' has no attribute {name!r}") from None
    import importlib

    if name == "run":  # the folder of that name is callable: see there
        return importlib.import_module("reprotest.run")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext reprotest` in a notebook; see docs/notebook.md."""
    from reprotest.testing import notebook

    notebook.load(shell)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
