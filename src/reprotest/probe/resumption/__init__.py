"""What `resume` adds inside a run: keeps the pieces of a training's state at one step, and puts pieces back where they got lost.

kept.py       the file in which the pieces of one process are kept: plain data as JSON, tensors as raw bytes
moments.py    the moments round one step at which pieces are taken and put back
generators.py random generators: the global ones, and those that the program holds itself
loaders.py    which samples each loader gave out, and giving out the ones that the full run had
optimizers.py state of the optimizers, and the hyperparameters of every step
modules.py    buffers, and the gradient scaler
trainers.py   stops and resumes trainers through their own options

Nothing here is loaded but in the runs of that verb.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reprotest.probe.child import Child


def install(child: Child) -> None:
    """Do what the plan's `resume` says, once the program imports PyTorch."""
    order = child.plan.resume
    assert order is not None

    def loaded(module: ModuleType) -> None:
        from reprotest.probe.resumption.generators import Generators
        from reprotest.probe.resumption.loaders import Loaders
        from reprotest.probe.resumption.modules import Modules
        from reprotest.probe.resumption.moments import Moments
        from reprotest.probe.resumption.optimizers import Optimizers

        moments = Moments(child, order)
        generators = Generators(child, moments)
        loaders = Loaders(child, moments, generators)
        optimizers = Optimizers(child, moments)
        modules = Modules(moments, optimizers)
        for part in (generators, loaders, optimizers, modules):
            part.install()
        child.at_exit(moments.write)

    child.on_import("torch", loaded)  # after the probe, whose hooks count the steps
    if order.get("checkpoint"):
        from reprotest.probe.resumption import trainers

        trainers.install(child, order)
