"""JAX keys. JAX has no hidden state: a key varies only if the number it was made from does."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from reprotest.factors.base import Factor, Json


class JaxRandom(Factor):
    """Nothing to watch or to hold: what a key is made from (the clock, entropy, a process number) is a factor of its own.

    Perturbing keys would make every program differ, fixed keys included, and so prove nothing.
    """

    id = "jax.random"
    what = "a JAX key made from something that varies"
    fix = "make the first key from a fixed number, jax.random.key(seed), and split it for everything else"
    repeats = True
    order = 60

    def read(self) -> Mapping[str, Json]:
        jax = sys.modules.get("jax")
        if jax is None:
            return {}
        return {
            name: getattr(jax.config, name, None) for name in ("jax_default_prng_impl", "jax_threefry_partitionable")
        }

    def perturb(self, k: int) -> str | None:
        return None
