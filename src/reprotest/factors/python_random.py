"""The `random` module: its hidden generator and `random.Random()` without a seed."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from reprotest.factors import _own_seeds, _patch
from reprotest.factors._callers import library_import
from reprotest.factors._draws import GlobalDraws
from reprotest.factors._source import KERAS_LAYERS, OF_KERAS, OF_SEVERAL, InSource
from reprotest.factors.base import PINNING, Factor, Inside, Pinning

if TYPE_CHECKING:
    from random import Random

_NOT_DRAWS = frozenset({"seed", "getstate", "setstate", "VERSION"})
_KEEP = 256
"""So many unseeded generators are remembered whose first use is still waited for."""

_FEW = 32
"""So many 32-bit words a library may draw while it is imported."""


class PythonRandom(Factor):
    """Mersenne twisters of the standard library that nobody seeded."""

    id = "python.random"
    what = "what Python's random module draws, which differs in every process until it is seeded"
    fix = "call random.seed(seed) before the first draw, and give random.Random(seed) a seed where you make one"
    repeats = True
    seeded = ""
    order = 11
    source = InSource(
        packages=("random",),
        seeds=("random.seed", "random.setstate", *OF_SEVERAL, *OF_KERAS),
        draws=("random.*", *KERAS_LAYERS),
        spared=("random.Random", "random.Random.*", "random.SystemRandom", "random.getstate"),
        own=("random.Random",),
        values=("random.SystemRandom",),
    )

    def watch(self, inside: Inside) -> None:
        inside.on_import("random", lambda module: _Watch(inside, module).install())
        _own_seeds.watch(inside, self.id)

    def pin(self, seed: int, how: Pinning = PINNING) -> Sequence[str]:
        self.reseed(seed)
        return (f"random: seeded with {seed}",)

    def reseed(self, seed: int) -> None:
        import random

        random.seed(seed)

    def state(self) -> Any:
        import random

        return random.getstate()

    def restore(self, state: Any) -> None:
        import random

        random.setstate(state)

    def perturb(self, k: int) -> str | None:
        return "another seed for Python's random" if k == 1 else None


class _Watch:
    """Watches one process's `random` module, and gives it its setting."""

    def __init__(self, inside: Inside, module: ModuleType) -> None:
        self._inside = inside
        self._setting = inside.setting(PythonRandom.id)
        self._hidden: Random = module._inst
        self._kind: type[Random] = module.Random
        self._seed = self._kind.seed
        self._late = False
        """The hidden generator of a forked child still needs its pinned seed: the child's name is known only later."""
        self._known: set[int] = set()
        self._waiting: list[_Unused] = []
        names = [
            n
            for n in dir(self._kind)
            if not n.startswith("_") and n not in _NOT_DRAWS and callable(getattr(self._kind, n))
        ]
        self._draws = GlobalDraws(
            inside, PythonRandom.id, self._hidden, names, ["random"], self._other, self._seed_late
        )

    def install(self) -> None:
        self._patch_class()
        if self._setting is not None:
            self._seed(self._hidden, self._pinned(None))
        self._draws.arm()
        if hasattr(os, "register_at_fork"):  # the module seeds a forked child anew; this runs right after it
            os.register_at_fork(after_in_child=self._forked)
        self._inside.at_exit(self._settle_all)

    def _patch_class(self) -> None:
        """Methods of Random itself, so that subclasses and `random.Random.seed(...)` are seen too."""
        watch, kind = self, self._kind
        seed_of, getstate_of, setstate_of = kind.seed, kind.getstate, kind.setstate

        @_patch.like(seed_of)
        def seed(self: Random, a: Any = None, version: int = 2) -> None:
            if a is None:
                watch._seed_from_entropy(self, version)
                return
            if self is not watch._hidden:
                watch._settle(self)
            seed_of(self, a, version)
            if self is watch._hidden:
                watch._late = False
                watch._draws.disarm()

        @_patch.like(getstate_of)
        def getstate(self: Random) -> Any:
            if self is not watch._hidden or not watch._draws.armed:
                return getstate_of(self)
            watch._seed_late()
            state = getstate_of(self)
            watch._known.add(hash(state))
            return state

        @_patch.like(setstate_of)
        def setstate(self: Random, state: Any) -> None:
            if self is not watch._hidden:
                watch._settle(self)
            setstate_of(self, state)
            if self is watch._hidden and (watch._draws.armed or watch._known):
                watch._late = False
                # Putting back what was there before anybody seeded it leaves it as badly seeded as it was.
                if hash(getstate_of(self)) in watch._known:
                    watch._draws.arm()
                else:
                    watch._draws.disarm()

        kind.seed, kind.getstate, kind.setstate = seed, getstate, setstate  # type: ignore[method-assign]

    # --- seeding ------------------------------------------------------------------------------------------------

    def _seed_from_entropy(self, rng: Random, version: int) -> None:
        """What `seed()` without a value does; with a setting the value comes from its stream."""
        if _for_tempfile():
            self._seed(rng, None, version)  # os.entropy looks after temporary names
            return
        site = self._inside.site()
        self._seed(rng, None if self._setting is None else self._pinned(site), version)
        if rng is self._hidden:
            self._late = False
            self._draws.disarm()  # from here on this line is what varies
            self._inside.used(PythonRandom.id, site)
        else:
            self._wait_for_use(rng, site)

    def _pinned(self, site: str | None) -> int:
        return int.from_bytes(self._inside.stream(PythonRandom.id, site, 32), "little")

    def _other(self, site: str | None) -> Random:
        rng = self._kind.__new__(self._kind)
        self._seed(rng, self._pinned(site))
        return rng

    @_patch.harmless
    def _seed_late(self) -> None:
        if self._late:
            self._late = False
            self._seed(self._hidden, self._pinned(None))

    def _forked(self) -> None:
        self._waiting.clear()
        self._known.clear()
        self._late = self._setting is not None
        self._draws.arm()

    # --- generators made without a seed -------------------------------------------------------------------------

    @_patch.harmless
    def _wait_for_use(self, rng: Random, site: str | None) -> None:
        """Unpickling and copying make a generator without a seed too, then put a state in: only use counts."""
        if len(self._waiting) >= _KEEP:
            self._settle_all()
        self._waiting.append(_Unused(weakref.ref(rng), _state(rng), site, library_import(self._inside) is not None))

    @_patch.harmless
    def _settle(self, rng: Random) -> None:
        """An unseeded generator gets a known state after all: was it used before?"""
        for unused in self._waiting:
            if unused.rng() is rng:
                self._waiting.remove(unused)
                if unused.was_used():
                    self._inside.used(PythonRandom.id, unused.site)
                return

    @_patch.harmless
    def _settle_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        for unused in waiting:
            if unused.was_used():
                self._inside.used(PythonRandom.id, unused.site)
            else:
                self._waiting.append(unused)
        del self._waiting[: len(self._waiting) - _KEEP // 2]


@dataclass(eq=False)
class _Unused:
    """A generator made without a seed, from which nothing was drawn as far as we know."""

    rng: weakref.ref[Random]
    state: int
    site: str | None
    by_library: bool
    """Made while a library was imported. A few draws then are the library's own business."""

    def was_used(self) -> bool:
        rng = self.rng()
        if rng is None:
            return not self.by_library
        words: int = _getstate(rng)[1][-1]  # drawn of the current block of 624
        return _state(rng) != self.state and not (self.by_library and words <= _FEW)


def _state(rng: Random) -> int:
    return hash(_getstate(rng))


def _getstate(rng: Random) -> Any:
    """Of the generator itself, whatever a subclass makes of it."""
    return sys.modules["random"].Random.getstate(rng)


def _for_tempfile() -> bool:
    """Is the generator made for tempfile's names (`_RandomNameSequence.rng`, a few frames out)?"""
    frame = sys._getframe(2)
    for _ in range(4):
        if frame.f_globals.get("__name__") == "tempfile":
            return True
        if frame.f_back is None:
            return False
        frame = frame.f_back
    return False
