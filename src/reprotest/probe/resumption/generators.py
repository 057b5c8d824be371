"""Random generators: their states at a moment, and putting these back."""

from __future__ import annotations

import random
import sys
from types import FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import torch

from reprotest.probe.resumption.moments import Moments

if TYPE_CHECKING:
    from reprotest.probe.child import Child

DETAILS = ("torch.random", "numpy.random", "python.random")
_DEPTH, _WIDTH, _MOST = 3, 100, 2_000
"""How far from a variable generators are looked for, among how many items of a list, and among how many objects in all."""
_LEAVES = (str, bytes, int, float, type, ModuleType, FunctionType, torch.Tensor)


class Generators:
    """The global generators, and those that the program holds in variables and attributes ("rng", "dataset.rng")."""

    def __init__(self, child: Child, moments: Moments) -> None:
        self._child = child
        self._moments = moments
        self._of_loaders: set[int] = set()

    def install(self) -> None:
        self._moments.listen("the states of random generators", self._at)

    def belong_to_data(self, loader: Any) -> None:
        """The generators that shuffle a loader's samples are part of the position in the data."""
        for part in (loader, loader.sampler, loader.batch_sampler, getattr(loader.batch_sampler, "sampler", None)):
            own = getattr(part, "__dict__", {})
            self._of_loaders.update(id(value) for value in own.values() if _is_generator(value))

    def states(self) -> dict[str, dict[str, Any]]:
        """detail → name → state."""
        found: dict[str, dict[str, Any]] = {detail: {} for detail in DETAILS}
        found["torch.random"]["global"] = torch.default_generator.get_state()
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            for device in range(torch.cuda.device_count()):
                found["torch.random"][f"cuda:{device}"] = torch.cuda.get_rng_state(device)
        found["python.random"]["global"] = random.getstate()
        numpy = sys.modules.get("numpy.random.mtrand")
        if numpy is not None:
            found["numpy.random"]["global"] = numpy._rand.get_state(legacy=False)
        for name, holder in self._held().items():
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
                    torch.cuda.set_rng_state(state, int(name[5:]))
                elif name in held and _detail(held[name]) == detail:
                    _put(held[name], state)

    def _held(self) -> dict[str, Any]:
        """Generators by the name under which the user's code holds them, outermost frames last."""
        found: dict[str, Any] = {}
        seen: set[int] = {id(torch.default_generator), *self._of_loaders}
        numpy = sys.modules.get("numpy.random.mtrand")
        if numpy is not None:
            seen.add(id(numpy._rand))
        seen.add(id(getattr(random.random, "__self__", None)))
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if self._child.shown(frame.f_code) is not None:
                for name, value in list(frame.f_locals.items()):
                    _look(value, name, found, seen, 0)
            frame = frame.f_back
        for name, value in list(vars(sys.modules["__main__"]).items()):
            if not name.startswith("__"):
                _look(value, name, found, seen, 0)
        return found


def _look(value: Any, name: str, found: dict[str, Any], seen: set[int], depth: int) -> None:
    if id(value) in seen or len(seen) > _MOST:
        return
    if _is_generator(value):
        seen.add(id(value))
        found[name] = value
        return
    if depth < _DEPTH and not isinstance(value, _LEAVES):
        seen.add(id(value))
        for inner, item in _inside(value, name):
            _look(item, inner, found, seen, depth + 1)


def _inside(value: Any, name: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(f"{name}[{key!r}]", item) for key, item in list(value.items())[:_WIDTH]]
    if isinstance(value, (list, tuple)):
        return [(f"{name}[{index}]", item) for index, item in enumerate(value[:_WIDTH])]
    if isinstance(value, torch.utils.data.Sampler):
        return []  # its own generator is the position in the data
    if isinstance(value, torch.utils.data.DataLoader):
        return [(f"{name}.dataset", value.dataset)]
    own = getattr(value, "__dict__", None)
    return [(f"{name}.{key}", item) for key, item in list(own.items())] if isinstance(own, dict) else []


def _is_generator(value: Any) -> bool:
    numpy = sys.modules.get("numpy.random")
    kinds = (getattr(numpy, "Generator", random.Random), getattr(numpy, "RandomState", random.Random))
    if isinstance(value, random.SystemRandom):
        return False
    return isinstance(value, (random.Random, torch.Generator, *kinds))


def _detail(holder: Any) -> str:
    if isinstance(holder, torch.Generator):
        return "torch.random"
    return "python.random" if isinstance(holder, random.Random) else "numpy.random"


def _state(holder: Any) -> Any:
    if isinstance(holder, torch.Generator):
        return holder.get_state()
    if isinstance(holder, random.Random):
        return holder.getstate()
    generator = getattr(holder, "bit_generator", None)
    return generator.state if generator is not None else holder.get_state(legacy=False)


def _put(holder: Any, state: Any) -> None:
    if isinstance(holder, torch.Generator):
        holder.set_state(state)
    elif isinstance(holder, random.Random):
        holder.setstate(state)
    elif hasattr(holder, "bit_generator"):
        holder.bit_generator.state = state
    else:
        holder.set_state(state)


def _put_global(detail: str, state: Any) -> None:
    if detail == "torch.random":
        torch.set_rng_state(state)
    elif detail == "python.random":
        random.setstate(state)
    else:
        import numpy

        numpy.random.set_state(state)
