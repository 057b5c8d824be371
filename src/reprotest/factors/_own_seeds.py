"""Gives the generators of one library other seeds than those that the program sets: by how much does a result move with the seed?

What is drawn without a seed stays as it is held. Only numbers are changed (texts and bytes for Python's `random`, lists for NumPy);
a state that is put back is not.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from reprotest.factors import _patch
from reprotest.factors.base import OWN_SEEDS, Inside

_SHIFT = 7919
_MOST = 2**32
"""NumPy's legacy generators take no larger seeds, and no negative ones."""


def watch(inside: Inside, factor_id: str) -> None:
    """Change the seeds of that factor's library, where the setting says so. Called after the factor's own watching is set up."""
    setting = inside.setting(factor_id)
    if setting is None or setting.variant != OWN_SEEDS:
        return
    for module, change in _CHANGES[factor_id]:
        inside.on_import(module, change)


def other(seed: Any) -> Any:
    """Another seed of the same kind; what is none is given back."""
    if isinstance(seed, bool) or seed is None:
        return seed
    if isinstance(seed, int):
        return (seed + _SHIFT) % _MOST if 0 <= seed < _MOST else seed + _SHIFT
    if isinstance(seed, float):
        return seed + _SHIFT
    if isinstance(seed, str):
        return f"{seed}'"
    if isinstance(seed, (bytes, bytearray)):
        return seed + b"'"
    if isinstance(seed, (list, tuple)):
        return type(seed)(map(other, seed))
    kind = type(seed)
    if kind.__module__ == "numpy" and getattr(kind, "__name__", "") != "ndarray":
        return other(seed.item())
    return (seed + _SHIFT) % _MOST if kind.__module__ == "numpy" else seed


def _python(module: Any) -> None:
    kind: Any = random.Random
    original = kind.seed

    @_patch.like(original)
    def seed(self: Any, a: Any = None, version: int = 2) -> None:
        original(self, other(a), version)

    kind.seed = seed
    module.seed = seed.__get__(module._inst)


def _legacy_numpy(module: Any) -> None:
    """`numpy.random.seed`, RandomState, and `random_state=` of scikit-learn."""
    kind = module._MT19937
    original = kind._legacy_seeding

    @_patch.like(original)
    def _legacy_seeding(generator: Any, seed: Any) -> Any:
        return original(generator, other(seed))

    _patch.patch_type(kind, "_legacy_seeding", _legacy_seeding)


def _first_of(*names: str) -> Callable[[Any], None]:
    """Functions of a module whose first argument is a seed."""

    def change(module: Any) -> None:
        for name in names:
            original = getattr(module, name, None)
            if original is not None:
                setattr(module, name, _seeded(original))

    return change


def _seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    @_patch.like(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        if args:
            return original(other(args[0]), *args[1:], **kwargs)
        return original(**{name: other(value) if name == "seed" else value for name, value in kwargs.items()})

    return function


def _method_of(path: str) -> Callable[[Any], None]:
    """A method of an extension type whose first argument is a seed ("_C.Generator.manual_seed")."""

    def change(module: Any) -> None:
        *outer, name = path.split(".")
        kind = module
        for part in outer:
            kind = getattr(kind, part)
        original = getattr(kind, name)

        @_patch.like(original)
        def method(self: Any, seed: Any, *args: Any, **kwargs: Any) -> Any:
            return original(self, other(seed), *args, **kwargs)

        _patch.patch_type(kind, name, method)

    return change


_CHANGES: dict[str, tuple[tuple[str, Callable[[Any], None]], ...]] = {
    "python.random": (("random", _python),),
    "numpy.random": (("numpy.random.mtrand", _legacy_numpy), ("numpy.random._generator", _first_of("default_rng"))),
    "torch.random": (("torch", _method_of("_C.Generator.manual_seed")),),
    "tensorflow.random": (("tensorflow.python.eager.context", _method_of("Context._set_global_seed")),),
    "jax.random": (("jax.random", _first_of("key", "PRNGKey")),),
}
"""Of each factor, what is changed once a module is imported."""
