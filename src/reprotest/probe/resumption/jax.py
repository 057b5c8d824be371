"""Arrays of JAX, which cannot be changed in place, as arrays of NumPy and back; keys of its generators are such arrays, too."""

from __future__ import annotations

import sys
from typing import Any


def is_array(value: Any) -> bool:
    """A concrete array: no tracer."""
    jax: Any = sys.modules.get("jax")
    if not hasattr(jax, "Array"):  # not imported, or half
        return False
    return isinstance(value, jax.Array) and not isinstance(value, jax.core.Tracer)


def plain(value: Any) -> Any:
    """A copy as an array of NumPy; anything else as it is."""
    if not is_array(value):
        return value
    jax: Any = sys.modules["jax"]
    return sys.modules["numpy"].array(jax.random.key_data(value) if _is_key(value) else value)


def like(held: Any, value: Any) -> Any:
    """What `plain` made of such an array as the held one, as an array of JAX again."""
    jax: Any = sys.modules["jax"]
    if _is_key(held):
        return jax.random.wrap_key_data(value, impl=jax.random.key_impl(held))
    return jax.device_put(value, held.sharding)


def _is_key(value: Any) -> bool:
    jax: Any = sys.modules["jax"]
    return bool(jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key))
