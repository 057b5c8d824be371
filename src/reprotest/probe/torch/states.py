"""States of the random generators as STATE events: kept for information, never compared."""

from __future__ import annotations

import random
import sys
from array import array
from typing import TYPE_CHECKING

import torch

from reprotest.digest.algorithm import hash128
from reprotest.digest.tensor import digest_tensor
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child


EVERY = 64
"""Steps from one look at all that is due now and then to the next."""


def states_are_due(step: int) -> bool:
    """Reading all states takes as long as a small step: at first always, then at every 64th step. The same steps in every run."""
    return step < 3 or step % EVERY == 0


def put_random_states(child: Child) -> None:
    """Add one STATE event for each global generator of this process."""
    writer = child.writer()
    if writer is None:
        return
    _, words, gauss = random.getstate()
    writer.event("python.random", Phase.STATE, hash128(array("I", words).tobytes() + repr(gauss).encode()))
    numpy = sys.modules.get("numpy.random.mtrand")
    if numpy is not None:
        state = numpy._rand.get_state(legacy=False)
        if state.get("bit_generator") == "MT19937":
            rest = f"{state['state']['pos']} {state['has_gauss']} {state['gauss']!r}"
            writer.event("numpy.random", Phase.STATE, hash128(state["state"]["key"].tobytes() + rest.encode()))
    writer.event("torch.random", Phase.STATE, digest_tensor(torch.default_generator.get_state()))
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        for device in range(torch.cuda.device_count()):
            writer.event(f"cuda.random[{device}]", Phase.STATE, digest_tensor(torch.cuda.get_rng_state(device)))
