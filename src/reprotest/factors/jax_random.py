"""JAX keys. JAX has no hidden state: a key varies only if the number it was made from does."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from reprotest.factors import _own_seeds
from reprotest.factors._source import InSource
from reprotest.factors.base import PINNING, Factor, Inside, Json, Pinning, Seen


class JaxRandom(Factor):
    """Nothing to hold: what a key is made from (the clock, entropy, a process number) is a factor of its own.

    Perturbing keys would make every program differ, fixed keys included, and so prove nothing.
    """

    id = "jax.random"
    what = "a JAX key made from something that varies"
    fix = "make the first key from a fixed number, jax.random.key(seed), and split it for everything else"
    repeats = True
    seeded = "jax"
    order = 60
    reaches = ("jax",)
    source = InSource(
        packages=("jax", "flax"),
        keys=("jax.random.key", "jax.random.PRNGKey", "flax.nnx.Rngs"),
    )

    def read(self) -> Mapping[str, Json]:
        jax = sys.modules.get("jax")
        if jax is None:
            return {}
        return {
            name: getattr(jax.config, name, None) for name in ("jax_default_prng_impl", "jax_threefry_partitionable")
        }

    def watch(self, inside: Inside) -> None:
        _own_seeds.watch(inside, self.id)

    def pin(self, seed: int, how: Pinning = PINNING) -> Sequence[str]:
        if "jax" not in sys.modules:
            return ()
        return (f"JAX: has no global state; start from the key that this returns (jax_key), jax.random.key({seed})",)

    def perturb(self, k: int) -> str | None:
        return None

    def variations(self, seen: Seen) -> Sequence[int] | str:
        return "a JAX key varies only with the number that it is made from"
