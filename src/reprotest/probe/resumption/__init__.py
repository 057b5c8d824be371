"""What `resume` adds inside a run: keeps the pieces of a training's state at one step, and puts pieces back where they got lost.

kept.py       the file in which the pieces of one process are kept: plain data as JSON, tensors as raw bytes
moments.py    the moments round one step at which pieces are taken and put back
generators.py random generators: the global ones, and those that the program holds itself
loaders.py    which samples each loader gave out, and giving out the ones that the full run had
optimizers.py state of the optimizers, and the hyperparameters of every step
modules.py    buffers, and the gradient scaler
variables.py  arrays, tensors and numbers that the program keeps itself
places.py     where it keeps things
plain.py      programs that no optimizer of PyTorch's trains
files.py      the checkpoints that they save and load
loops.py      where their training begins
keras.py      variables of Keras
jax.py        arrays of JAX
trainers.py   stops and resumes trainers through their own options

Nothing here is loaded but in the runs of that verb.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from reprotest.factors import _outermost
from reprotest.probe.resumption.files import Files
from reprotest.probe.resumption.generators import Generators
from reprotest.probe.resumption.moments import Moments
from reprotest.probe.resumption.plain import Plain
from reprotest.probe.resumption.variables import Variables

if TYPE_CHECKING:
    from reprotest.probe.child import Child


def install(child: Child) -> None:
    """Do what the plan's `resume` says."""
    order = child.plan.resume
    assert order is not None
    moments = Moments(child, order)
    child.at_exit(moments.write)
    if order.get("plain"):
        Plain(child, moments, order).install()
        return
    Files(child, moments, lambda *_: None, lambda: None).install()

    def loaded(module: ModuleType) -> None:
        from reprotest.probe.resumption.loaders import Loaders
        from reprotest.probe.resumption.modules import Modules
        from reprotest.probe.resumption.optimizers import Optimizers

        generators = Generators(child, moments)
        loaders = Loaders(child, moments, generators)
        optimizers = Optimizers(child, moments)
        modules = Modules(moments, optimizers)
        for part in (generators, loaders, optimizers, modules):
            part.install()
        if moments.at is not None:
            variables = Variables(child, moments, modules.known, generators.of_data)
            variables.install()
            _outermost.install(module, lambda *call: _forward(module, moments, variables, *call))

    child.on_import("torch", loaded)  # after the probe, whose hooks count the steps
    if order.get("checkpoint"):
        from reprotest.probe.resumption import trainers

        trainers.install(child, order)


def _forward(torch: Any, moments: Moments, variables: Variables, module: Any, call: Any, args: Any, kwargs: Any) -> Any:
    """The outermost call of a module: in training it is the first thing that a step computes."""
    if moments.counts and module.training and torch.is_grad_enabled():
        moments.guarded("what the program's variables hold", variables.step_begins)
    return call(*args, **kwargs)
