"""PyTorch, with no edit of the program: parameters, batches, losses, gradients and updates of every optimizer step.

steps.py      optimizers: gradients before, parameters and buffers after each step (always on; the hot path is events.Table)
held.py       what a thread has observed of the step under way
optimizers.py what is known of one optimizer
initial.py    parameters and buffers as training finds them
backward.py   losses, and the steps of loops that have no optimizer
batches.py    what comes out of a DataLoader
states.py     states of the random generators, now and then
finer.py      switches the two finer levels on inside the window: modules.py and operators.py
saved.py      what torch.save keeps
collectives.py what ranks exchange
names.py      what things are called
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reprotest.probe.child import Child

MODULE = "torch"


def install(child: Child, module: ModuleType) -> None:
    """Hook into PyTorch, which has just been imported."""
    from reprotest.probe.torch.backward import Backward
    from reprotest.probe.torch.batches import observe_batches
    from reprotest.probe.torch.collectives import observe_collectives
    from reprotest.probe.torch.finer import Finer
    from reprotest.probe.torch.initial import InitialState
    from reprotest.probe.torch.names import Names
    from reprotest.probe.torch.saved import observe_saved
    from reprotest.probe.torch.steps import OptimizerSteps

    names = Names()
    initial = InitialState(child, names)
    finer = Finer(child, names)
    steps = OptimizerSteps(child, names, initial, finer)
    finer.steps = steps
    steps.install()
    Backward(child, names, initial, steps, finer).install()
    child.on_import("torch.utils.data.dataloader", lambda loader: observe_batches(child, initial, finer, loader))
    observe_saved(child)
    child.at_exit(lambda: _tell_of_devices(child))
    observe_collectives(child, names)
    finer.update()


def _tell_of_devices(child: Child) -> None:
    from reprotest.digest.device import refused

    for name, why in refused.items():
        child.note(f"digests are not computed on {name}, and its tensors copied to the host: {why}")
