"""The pieces of a training's state that a checkpoint may lack: the closed vocabulary of `detail`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Detail:
    """One piece.

    Attributes:
        id: as in JSON.
        what: what it is, for a sentence.
        fix: what to change.
    """

    id: str
    what: str
    fix: str


# In the order in which a piece is given up when several explain the same: what follows from another piece comes before it.
DETAILS = (
    Detail(
        "data.position",
        "how far the data had been read, and in which order",
        "save the epoch and the number of batches read in it, derive the order of the samples from seed and epoch "
        "(DistributedSampler.set_epoch, a generator seeded with both), and skip what was read; or save the state of the sampler, "
        "or of torchdata's StatefulDataLoader",
    ),
    Detail(
        "optimizer",
        "the optimizer's state (momentum, second moments, step counts)",
        "save optimizer.state_dict() with the checkpoint, and load it after the model",
    ),
    Detail(
        "python.random",
        "the state of Python's random generators",
        "save random.getstate() with the checkpoint (and the state of every random.Random of your own), and set it after loading",
    ),
    Detail(
        "numpy.random",
        "the state of NumPy's random generators",
        "save numpy.random.get_state() with the checkpoint (and rng.bit_generator.state of every generator of your own), "
        "and set it after loading",
    ),
    Detail(
        "buffers",
        "the model's buffers (running statistics of batch normalisation and the like), and averages that the program keeps itself",
        "save model.state_dict(), which holds parameters and buffers, instead of the parameters alone; and what is kept beside the model",
    ),
    Detail(
        "scaler",
        "the gradient scaler's scale",
        "save scaler.state_dict() with the checkpoint, and load it",
    ),
    Detail(
        "scheduler",
        "the schedule of the learning rate",
        "save scheduler.state_dict() with the checkpoint, and load it; compute rates of your own from a step count that is saved",
    ),
    Detail(
        "torch.random",
        "the state of PyTorch's random generators, which draw dropout masks and the order of the samples",
        "save torch.get_rng_state() with the checkpoint (on a GPU also torch.cuda.get_rng_state_all()), "
        "and call torch.set_rng_state() after everything is loaded",
    ),
)
RANDOM = ("torch.random", "numpy.random", "python.random")


def detail(id: str) -> Detail:
    """The detail of that id, which a piece may carry after a colon ("held:optimizer"). Raises KeyError."""
    id = id.rpartition(":")[2]
    for each in DETAILS:
        if each.id == id:
            return each
    raise KeyError(id)
