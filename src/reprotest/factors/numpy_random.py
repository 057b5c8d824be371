"""NumPy's global generator, and generators made without a seed."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from reprotest.factors import _own_seeds, _patch
from reprotest.factors._callers import library_import, urandom
from reprotest.factors._draws import GlobalDraws
from reprotest.factors._source import OF_KERAS, OF_SEVERAL, InSource
from reprotest.factors.base import PINNING, Factor, Inside, Pinning, Seen

_NOT_DRAWS = frozenset({"seed", "get_state", "set_state"})
_OWN = tuple(
    f"numpy.random.{name}"
    for name in ("default_rng", "RandomState", "SeedSequence", "MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
)
_SKLEARN = (
    "sklearn.model_selection.train_test_split",
    "sklearn.model_selection.ShuffleSplit",
    "sklearn.model_selection.StratifiedShuffleSplit",
    "sklearn.model_selection.GroupShuffleSplit",
    "sklearn.model_selection.RandomizedSearchCV",
    "sklearn.datasets.make_*",
    "sklearn.ensemble.*",
    "sklearn.neural_network.*",
    "sklearn.tree.*",
    "sklearn.manifold.TSNE",
    "sklearn.mixture.*",
    "sklearn.cluster.KMeans",
    "sklearn.cluster.MiniBatchKMeans",
    "sklearn.linear_model.SGD*",
    "sklearn.utils.resample",
    "sklearn.utils.shuffle",
)
"""What draws from NumPy's global generator unless it is given a `random_state`."""


class NumpyRandom(Factor):
    """`numpy.random.*`, what libraries draw from it, and `default_rng()` and its kin without a seed."""

    id = "numpy.random"
    what = "what NumPy draws: its global generator differs in every process until it is seeded, one made without a seed always does"
    fix = (
        "call np.random.seed(seed) before the first draw, give np.random.default_rng(seed) and RandomState(seed) a seed, and pass "
        "random_state=seed to scikit-learn"
    )
    repeats = True
    seeded = "numpy"
    order = 10
    reaches = ("numpy",)
    source = InSource(
        packages=("numpy", "sklearn"),
        seeds=("numpy.random.seed", "numpy.random.set_state", *OF_SEVERAL, *OF_KERAS),
        draws=("numpy.random.*", *_SKLEARN),
        spared=(
            *_OWN,
            "sklearn.ensemble.Voting*",
            "sklearn.ensemble.Stacking*",
            "numpy.random.Generator",
            "numpy.random.BitGenerator",
            "numpy.random.get_state",
        ),
        given=("random_state",),
        own=_OWN,
    )

    def watch(self, inside: Inside) -> None:
        watch = _Watch(inside)
        inside.on_import("numpy.random.bit_generator", watch.hold_seeds)
        inside.on_import("numpy.random._mt19937", watch.hold_legacy_seeding)
        inside.on_import("numpy.random.mtrand", watch.hold_global)
        _own_seeds.watch(inside, self.id)

    def pin(self, seed: int, how: Pinning = PINNING) -> Sequence[str]:
        numpy = sys.modules.get("numpy")
        if numpy is None:
            return ()
        short = seed % 2**32
        numpy.random.seed(short)
        note = f" ({seed} modulo 2**32)" if short != seed else ""
        return (f"NumPy: global generator seeded with {short}{note}; default_rng() needs a seed of its own",)

    def reseed(self, seed: int) -> None:
        numpy = sys.modules.get("numpy")
        if numpy is not None:
            # Two words alone would start NumPy's Mersenne twister where Python's starts for the same seed: equal draws from both.
            numpy.random.seed((seed % 2**32, seed >> 32, 1))

    def state(self) -> Any:
        numpy = sys.modules.get("numpy")
        return None if numpy is None else numpy.random.get_state(legacy=False)

    def restore(self, state: Any) -> None:
        sys.modules["numpy"].random.set_state(state)

    def perturb(self, k: int) -> str | None:
        return "another seed for NumPy" if k == 1 else None

    def variations(self, seen: Seen) -> Sequence[int] | str:
        return super().variations(seen) if "numpy" in seen.modules else "NumPy is not used"


class _Watch:
    """Watches one process's numpy.random, and gives it its setting."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._setting = inside.setting(NumpyRandom.id)
        self._importing = True
        self._local = threading.local()
        self._known: set[int] = set()

    # --- generators that ask for entropy ------------------------------------------------------------------------

    def hold_seeds(self, module: Any) -> None:
        """Every seeding without a seed asks `randbits`, which the compiled module looks up at each call."""

        def randbits(k: int) -> int:
            size, most = (k + 7) // 8, (1 << k) - 1
            if self._importing or _unpickling():  # a state is put in right afterwards
                return int.from_bytes(urandom(size), "little") & most
            site = self._inside.site()
            raw = urandom(size) if self._setting is None else self._inside.stream(NumpyRandom.id, site, size)
            value = int.from_bytes(raw, "little") & most
            self._settle()
            self._local.asked = (value, site) if library_import(self._inside) != "function" else None
            return value

        module.randbits = randbits
        self._inside.at_exit(self._settle)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._settle)  # or the child would note it once more

    @_patch.harmless
    def _settle(self, seeded: Any = None) -> None:
        """Note the last asking for entropy, unless it only served `RandomState(seed)`, which makes an unseeded generator first."""
        asked = getattr(self._local, "asked", None)
        if asked is None or (seeded is not None and seeded.seed_seq.entropy != asked[0]):
            return
        self._local.asked = None
        if seeded is None:
            self._inside.used(NumpyRandom.id, asked[1])

    def hold_legacy_seeding(self, module: ModuleType) -> None:
        original = module.MT19937._legacy_seeding

        @_patch.like(original)
        def _legacy_seeding(generator: Any, seed: Any) -> Any:
            if seed is not None:
                self._settle(generator)
            return original(generator, seed)

        _patch.patch_type(module.MT19937, "_legacy_seeding", _legacy_seeding)

    # --- the global generator while nobody has seeded it --------------------------------------------------------

    def hold_global(self, mtrand: ModuleType) -> None:
        self._importing = False
        self._rand = mtrand._rand
        kind = self._kind = type(self._rand)
        if self._setting is not None:
            bits = self._rand._bit_generator
            # As a generator is that was made without a seed. One put back by `seed()` stands at the end of its words, the first of which
            # is the same for all seeds, and some take a seed of their own from where it stands (Hugging Face's datasets).
            bits.state = type(bits)(self._entropy(None)).state
        names = [n for n in dir(kind) if not n.startswith("_") and n not in _NOT_DRAWS and callable(getattr(kind, n))]
        self._draws = GlobalDraws(
            self._inside, NumpyRandom.id, self._rand, names, ["numpy.random.mtrand", "numpy.random"], self._other
        )
        self._start = self._state()
        for name, function in (("seed", self._seed), ("set_state", self._set_state), ("get_state", self._get_state)):
            _patch.patch_type(kind, name, function(getattr(kind, name)))
        self._draws.arm()
        self._inside.at_exit(self._moved_unnoticed)

    def _other(self, site: str | None) -> Any:
        return self._kind(type(self._rand._bit_generator)(self._entropy(site)))

    def _entropy(self, site: str | None) -> int:
        return int.from_bytes(self._inside.stream(NumpyRandom.id, site, 32), "little")

    def _seed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @_patch.like(original)
        def seed(rng: Any, *args: Any, **kwargs: Any) -> Any:
            if rng is self._rand and self._draws.armed:
                self._moved_unnoticed()
                self._draws.disarm()  # without a value `randbits` is asked, and that line is what varies from here on
            return original(rng, *args, **kwargs)

        return seed

    def _get_state(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @_patch.like(original)
        def get_state(rng: Any, *args: Any, **kwargs: Any) -> Any:
            if rng is self._rand and self._draws.armed:
                self._known.add(self._state())
            return original(rng, *args, **kwargs)

        return get_state

    def _set_state(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @_patch.like(original)
        def set_state(rng: Any, *args: Any, **kwargs: Any) -> Any:
            if rng is not self._rand or not (self._draws.armed or self._known):
                return original(rng, *args, **kwargs)
            self._moved_unnoticed()
            result = original(rng, *args, **kwargs)
            self._start = self._state()
            # Putting back what was there before anybody seeded it leaves it as badly seeded as it was.
            if self._start in self._known:
                self._draws.arm()
            else:
                self._draws.disarm()
            return result

        return set_state

    def _state(self) -> int:
        state = self._rand._bit_generator.state
        inner = state.get("state", {})
        return hash((state.get("bit_generator"), inner.get("pos"), bytes(inner.get("key", b""))))

    @_patch.harmless
    def _moved_unnoticed(self) -> None:
        """Did compiled code draw from the global state past its methods?"""
        if self._draws.armed and self._draws.draws == 0 and self._state() != self._start:
            self._draws.draws = 1
            self._inside.used(NumpyRandom.id, None)


def _unpickling() -> bool:
    """Is the bit generator only made to be given a state, by numpy's own helper for pickles and copies?"""
    return sys._getframe(2).f_globals.get("__name__") == "numpy.random._pickle"
