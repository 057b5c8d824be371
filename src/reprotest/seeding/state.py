"""`RNGState`: where all generators stand, and the data, for a checkpoint."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from typing import Any, Protocol

from reprotest.errors import UsageError
from reprotest.factors import all_factors, factor
from reprotest.seeding.plain import decode, encode

SCHEMA = "reprotest.rng/1"


class HasPosition(Protocol):
    """A loader that knows its place: `reprotest.dataloader`, torchdata's StatefulDataLoader."""

    def state_dict(self) -> Any: ...

    def load_state_dict(self, state_dict: Any, /) -> Any: ...


class RNGState:
    """The states of all generators at one moment, and the position in the data.

    `checkpoint["rng"] = RNGState.capture(data=loader).state_dict()` when saving, and when resuming, after the model and everything
    else is made, `RNGState().load_state_dict(checkpoint["rng"]).restore(data=loader)`: what is drawn from then on is what would have
    been drawn without the stop.

    Captured are the global generators of every framework that is imported (Python, NumPy, PyTorch on the CPU and on all CUDA
    devices, TensorFlow, Keras), and what is named: JAX has no global state, and a generator of your own is known to you alone.
    In a distributed run every rank has states of its own: each saves and restores its own.
    """

    def __init__(self) -> None:
        self._factors: dict[str, Any] = {}
        self._own: dict[str, Any] = {}
        self._data: dict[str, Any] = {}
        self._key: Any = None

    @classmethod
    def capture(
        cls,
        *,
        data: HasPosition | Mapping[str, HasPosition] | None = None,
        generators: Mapping[str, Any] | None = None,
        jax_key: Any = None,
    ) -> RNGState:
        """The present state. To be taken after a step, before the next batch is asked for.

        Args:
            data: the loader that is being read, or several by name.
            generators: generators of your own, by name: `random.Random`, NumPy's `Generator` and `RandomState`, `torch.Generator`.
            jax_key: the key that the next step splits.
        """
        found = cls()
        for one in all_factors():
            state = one.state()
            if state is not None:
                found._factors[one.id] = encode(state)
        found._own = {name: encode(_state_of(name, own)) for name, own in (generators or {}).items()}
        found._data = {name: loader.state_dict() for name, loader in _named(data).items()}
        if jax_key is not None:
            found._key = encode(_key_data(jax_key))
        return found

    def restore(
        self,
        *,
        data: HasPosition | Mapping[str, HasPosition] | None = None,
        generators: Mapping[str, Any] | None = None,
        strict: bool = True,
    ) -> list[str]:
        """Put every generator and every loader where it was. A JAX key is to be taken from `jax_key`.

        Args:
            data, generators: as for `capture`, under the same names.
            strict: raise an error when something was captured that cannot be restored, or the other way round, before anything is
                changed; otherwise restore what can be.

        Returns:
            What was not restored, in words.

        Raises:
            UsageError: with `strict`, what is missing.
        """
        loaders, own = _named(data), dict(generators or {})
        missed = [
            *_difference("generator", self._own, own),
            *_difference("position in the data", self._data, loaders),
            *(f"{name}: {_framework(name)} is not imported" for name in self._factors if _absent(name)),
        ]
        if missed and strict:
            raise UsageError(
                "the random state cannot be restored as it was: "
                + "; ".join(missed)
                + ". Import what the training imports "
                "and pass the generators and loaders that were captured, or say strict=False"
            )
        for name, loader in loaders.items():
            if name in self._data:
                loader.load_state_dict(self._data[name])
        for name, generator in own.items():
            if name in self._own:
                _put_back(generator, decode(self._own[name]))
        for name, state in self._factors.items():
            if not _absent(name):
                try:
                    factor(name).restore(decode(state))
                except (ValueError, RuntimeError) as error:
                    missed.append(f"{name}: {error}")
                    if strict:
                        raise UsageError(f"the random state cannot be restored as it was: {name}: {error}") from error
        return missed

    @property
    def jax_key(self) -> Any:
        """The JAX key that was captured; None without one."""
        if self._key is None:
            return None
        import jax

        name, words = decode(self._key)
        return jax.numpy.asarray(words) if name is None else jax.random.wrap_key_data(words, impl=name)

    def state_dict(self) -> dict[str, Any]:
        """Plain data: dicts, lists, numbers and text, for `torch.save`, JSON or whatever keeps the checkpoint."""
        return {
            "schema": SCHEMA,
            "python": ".".join(map(str, sys.version_info[:3])),
            "generators": dict(self._factors),
            "own": dict(self._own),
            "data": dict(self._data),
            "jax_key": self._key,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> RNGState:
        """Take over what `state_dict` returned; `restore` then puts it in force. Returns itself.

        Raises:
            UsageError: not a state of ours.
        """
        if not isinstance(state_dict, Mapping) or state_dict.get("schema") != SCHEMA:
            found = state_dict.get("schema") if isinstance(state_dict, Mapping) else type(state_dict).__name__
            raise UsageError(f"expected the state_dict of an RNGState ({SCHEMA}), and this is {found!r}")
        known = {one.id for one in all_factors()}
        unknown = sorted(set(state_dict["generators"]) - known)
        if unknown:
            raise UsageError(f"the state has generators that this version does not know: {', '.join(unknown)}")
        self._factors = dict(state_dict["generators"])
        self._own = dict(state_dict["own"])
        self._data = dict(state_dict["data"])
        self._key = state_dict["jax_key"]
        return self


def _named(data: Any) -> dict[str, Any]:
    if data is None:
        return {}
    return dict(data) if isinstance(data, Mapping) else {"data": data}


def _difference(what: str, captured: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    return [f"the {what} {name!r} was captured and is not given" for name in captured if name not in given] + [
        f"the {what} {name!r} was not captured" for name in given if name not in captured
    ]


def _framework(factor_id: str) -> str:
    return " or ".join(factor(factor_id).reaches) or factor_id


def _absent(factor_id: str) -> bool:
    reaches = factor(factor_id).reaches
    return bool(reaches) and not any(name in sys.modules for name in reaches)


def _state_of(name: str, generator: Any) -> Any:
    if isinstance(generator, random.Random):
        return generator.getstate()
    if hasattr(generator, "bit_generator"):
        return generator.bit_generator.state
    if hasattr(generator, "manual_seed") and hasattr(generator, "get_state"):
        return generator.get_state()
    if hasattr(generator, "get_state"):
        return generator.get_state(legacy=False)
    raise UsageError(
        f"the generator {name!r} is a {type(generator).__name__}: expected random.Random, NumPy's Generator or RandomState, or "
        "torch.Generator; pass a JAX key as jax_key"
    )


def _put_back(generator: Any, state: Any) -> None:
    if isinstance(generator, random.Random):
        generator.setstate(state)
    elif hasattr(generator, "bit_generator"):
        generator.bit_generator.state = state
    else:
        generator.set_state(state)


def _key_data(key: Any) -> tuple[str | None, Any]:
    import jax
    import numpy

    if jax.numpy.issubdtype(key.dtype, jax.dtypes.prng_key):
        return str(jax.random.key_impl(key)), numpy.asarray(jax.random.key_data(key))
    return None, numpy.asarray(key)  # a raw key of jax.random.PRNGKey
