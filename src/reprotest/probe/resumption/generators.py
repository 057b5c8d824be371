"""Random generators: their states at a moment, and putting these back."""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING, Any

from reprotest.probe.resumption.moments import Moments
from reprotest.probe.resumption.places import Walk

if TYPE_CHECKING:
    from types import FrameType

    from reprotest.probe.child import Child

DETAILS = ("torch.random", "numpy.random", "python.random")


class Generators:
    """The global generators, and those that the program holds in variables and attributes ("rng", "dataset.rng")."""

    def __init__(self, child: Child, moments: Moments) -> None:
        self._child = child
        self._moments = moments
        self._of_loaders: set[int] = set()
        self._of_data: dict[int, Any] = {}

    def install(self) -> None:
        self._moments.listen("the states of random generators", self._at)

    def belong_to_data(self, loader: Any) -> None:
        """The generators that shuffle a loader's samples are part of the position in the data; those that make them are not."""
        for part in (loader.dataset, loader.collate_fn):  # which the user's code need not hold: a trainer does
            self._of_data.setdefault(id(part), part)
        for part in (loader, loader.sampler, loader.batch_sampler, getattr(loader.batch_sampler, "sampler", None)):
            own = getattr(part, "__dict__", {})
            self._of_loaders.update(id(value) for value in own.values() if _is_generator(value))

    def of_data(self) -> list[Any]:
        """The data sets of all loaders, and what makes their batches."""
        return list(self._of_data.values())

    def states(self, frame: FrameType | None = None) -> dict[str, dict[str, Any]]:
        """detail → name → state; the program's own as they are held in a frame (the caller's) and outwards."""
        found: dict[str, dict[str, Any]] = {detail: {} for detail in DETAILS}
        torch: Any = sys.modules.get("torch")
        if torch is not None:
            found["torch.random"]["global"] = torch.default_generator.get_state()
            if torch.cuda.is_initialized():
                for device in range(torch.cuda.device_count()):
                    found["torch.random"][f"cuda:{device}"] = torch.cuda.get_rng_state(device)
        found["python.random"]["global"] = random.getstate()
        numpy = sys.modules.get("numpy.random.mtrand")
        if numpy is not None:
            found["numpy.random"]["global"] = numpy._rand.get_state(legacy=False)
        for name, holder in self._held(frame).items():
            found[_detail(holder)][name] = _state(holder)
        return found

    def _at(self, moment: str) -> None:
        """Keep the states at this moment and put back those that are wanted."""
        self._moments.pieces[moment] = self.states()
        given = self._moments.given.get(moment)
        if given is not None:
            self.put(given)

    def put(self, states: dict[str, dict[str, Any]]) -> None:
        """Put back the states of those details that are wanted."""
        wanted = {detail: states[detail] for detail in DETAILS if self._moments.wanted(detail) and detail in states}
        if not wanted:
            return
        held = self._held()
        for detail, named in wanted.items():
            for name, state in named.items():
                if name == "global":
                    _put_global(detail, state)
                elif name.startswith("cuda:"):
                    sys.modules["torch"].cuda.set_rng_state(state, int(name[5:]))
                elif name in held and _detail(held[name]) == detail:
                    _put(held[name], state)

    def _held(self, frame: FrameType | None = None) -> dict[str, Any]:
        """Generators by the name under which the user's code holds them, innermost frames first."""
        beside = {id(getattr(random.random, "__self__", None)), *self._of_loaders}
        torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy.random.mtrand")
        beside |= {id(getattr(torch, "default_generator", None)), id(getattr(numpy, "_rand", None))}
        found: dict[str, Any] = {}
        for place in Walk(self._child, _is_generator, _inside).places(frame, self.of_data()):
            if id(place.value) not in beside:
                found.setdefault(place.name, place.value)
        return found


def _inside(value: Any) -> list[tuple[str, Any]] | None:
    data: Any = sys.modules.get("torch.utils.data")
    if isinstance(value, getattr(data, "Sampler", ())):
        return []  # its own generator is the position in the data
    if isinstance(value, getattr(data, "DataLoader", ())):
        loader: Any = value
        return [(".dataset", loader.dataset)]
    return [] if isinstance(value, getattr(sys.modules.get("torch"), "Tensor", ())) else None


def _is_generator(value: Any) -> bool:
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy.random")
    kinds = (getattr(numpy, "Generator", ()), getattr(numpy, "RandomState", ()), getattr(torch, "Generator", ()))
    if isinstance(value, random.SystemRandom):
        return False
    return isinstance(value, (random.Random, *kinds))


def _detail(holder: Any) -> str:
    if isinstance(holder, getattr(sys.modules.get("torch"), "Generator", ())):
        return "torch.random"
    return "python.random" if isinstance(holder, random.Random) else "numpy.random"


def _state(holder: Any) -> Any:
    if _detail(holder) == "torch.random":
        return holder.get_state()
    if isinstance(holder, random.Random):
        return holder.getstate()
    generator = getattr(holder, "bit_generator", None)
    return generator.state if generator is not None else holder.get_state(legacy=False)


def _put(holder: Any, state: Any) -> None:
    if _detail(holder) == "torch.random":
        holder.set_state(state)
    elif isinstance(holder, random.Random):
        holder.setstate(state)
    elif hasattr(holder, "bit_generator"):
        holder.bit_generator.state = state
    else:
        holder.set_state(state)


def _put_global(detail: str, state: Any) -> None:
    if detail == "torch.random":
        sys.modules["torch"].set_rng_state(state)
    elif detail == "python.random":
        random.setstate(state)
    elif "numpy.random" in sys.modules:
        sys.modules["numpy.random"].set_state(state)
