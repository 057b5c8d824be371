"""JAX and Optax: what the user's jitted functions return, gradients and updates. Tracing is left as it is: tracers are handed on unseen.

A step is a call of a jitted function that computes gradients or applies updates inside; where nothing is jitted, a call of
`optax.apply_updates`, or of a gradient function when there is no Optax.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child

MODULE = "jax"


def install(child: Child, module: ModuleType) -> None:
    """Observe functions that the user's code makes with `jax.jit`, `jax.grad` and `jax.value_and_grad`."""
    probe = JaxProbe(child, module)
    for name in ("jit", "pmap"):
        if hasattr(module, name):
            probe.observe_maker(module, name, probe.jitted)
    for name in ("grad", "value_and_grad"):
        probe.observe_maker(module, name, functools.partial(probe.gradient, has_value=name == "value_and_grad"))
    child.on_import("optax", probe.observe_optax)
    child.on_import("flax.nnx", probe.observe_nnx)


class _Here(threading.local):
    """Where a thread stands: the outermost jitted function that it is calling, and leaves that it has been shown already."""

    def __init__(self) -> None:
        self.calling: Observed | None = None
        self.shown: dict[int, Any] = {}


class JaxProbe:
    """Records concrete values by their place in the tree that holds them."""

    def __init__(self, child: Child, jax: Any) -> None:
        self.child = child
        self.jax = jax
        self.here = _Here()
        self._calls = 0

    def observe_maker(self, module: Any, name: str, wrap: Callable[[Any, Any], Any]) -> None:
        """Wrap what `module.name(function, …)` returns to the user's code; also as a decorator with options only."""
        original = getattr(module, name)
        child = self.child

        @functools.wraps(original)
        def make(*args: Any, **kwargs: Any) -> Any:
            made = original(*args, **kwargs)
            if not child.caller_is_user() or child.is_worker:
                return made
            if not args and "fun" not in kwargs:
                return lambda function: wrap(made(function), function)
            return wrap(made, args[0] if args else kwargs["fun"])

        setattr(module, name, make)

    def jitted(self, made: Any, function: Any) -> Any:
        return Observed(self, made, function) if callable(made) else made

    def gradient(self, made: Any, function: Any, *, has_value: bool) -> Any:
        """A gradient function: inside of a jitted one it tells that this trains; else what it returns is recorded."""

        @functools.wraps(made)
        def observed(*args: Any, **kwargs: Any) -> Any:
            self.trains()
            result = made(*args, **kwargs)
            if self.watched() and self.here.calling is None and self.concrete(result):
                alone = "optax" not in sys.modules
                if alone:
                    self.put(_name(function), args[:1], Phase.INIT if not self._calls else Phase.UPDATE)
                    self._calls += 1
                value, gradients = result if has_value else (None, result)
                self.put("loss", value, Phase.LOSS)
                self.put("grad", gradients, Phase.BACKWARD)
                if alone:
                    self.child.end_step()
            return result

        return observed

    def observe_optax(self, module: Any) -> None:
        original = module.apply_updates

        @functools.wraps(original)
        def apply_updates(params: Any, updates: Any) -> Any:
            self.trains()
            result = original(params, updates)
            if self.watched() and self.here.calling is None and self.concrete(result):
                self.put("updates", updates, Phase.BACKWARD)
                self.put("params", result, Phase.UPDATE)
                self.child.end_step()
            return result

        module.apply_updates = apply_updates

    def observe_nnx(self, module: Any) -> None:
        """Flax NNX keeps weights in objects that a jitted function changes in place."""
        self.observe_maker(module, "jit", self.jitted)
        for name in ("grad", "value_and_grad"):
            self.observe_maker(module, name, functools.partial(self.gradient, has_value=name == "value_and_grad"))

    # --- values -------------------------------------------------------------------------------------------------

    def trains(self) -> None:
        """Gradients or updates are computed here: the jitted function that is being traced is a step."""
        if self.here.calling is not None:
            self.here.calling.trains = True

    def watched(self) -> bool:
        return self.child.in_main_thread() and not self.child.is_worker and self.child.level != "lines"

    def leaves(self, tree: Any) -> list[tuple[str, Any]]:
        """(place, array) of every array in a tree; NNX modules are looked into."""
        nnx = sys.modules.get("flax.nnx")
        kinds = (getattr(nnx, "Module", ()), getattr(nnx, "Optimizer", ()))
        tree = self.jax.tree_util.tree_map(
            lambda node: nnx.state(node) if nnx is not None and isinstance(node, kinds) else node,
            tree,
            is_leaf=lambda node: isinstance(node, kinds),
        )
        found, _ = self.jax.tree_util.tree_flatten_with_path(tree)
        return [(self.jax.tree_util.keystr(path), leaf) for path, leaf in found if hasattr(leaf, "dtype")]

    def concrete(self, tree: Any) -> bool:
        return not any(isinstance(leaf, self.jax.core.Tracer) for leaf in self.jax.tree_util.tree_leaves(tree))

    def put(self, name: str, tree: Any, phase: Phase, unless: dict[int, Any] | None = None) -> int:
        """One event for each array that is not among those shown already. Returns how many."""
        return self._put(name, lambda: self.leaves(tree), phase, unless)

    def put_arguments(
        self, names: Names, args: Any, kwargs: Any, phase: Phase, unless: dict[int, Any] | None = None
    ) -> None:
        """As `put`, for what a function is given, by the names of its parameters: "train_step(params)['w']"."""
        named = [*((names.of(i), arg) for i, arg in enumerate(args)), *kwargs.items()]
        for parameter, arg in named:
            self._put(f"{names.function}({parameter})", functools.partial(self.leaves, arg), phase, unless)

    def _put(
        self, name: str, leaves: Callable[[], list[tuple[str, Any]]], phase: Phase, unless: dict[int, Any] | None
    ) -> int:
        count = 0
        try:
            for place, leaf in leaves():
                if unless is not None and unless.get(id(leaf)) is leaf:
                    continue
                # Training starts from arrays of JAX; one of NumPy's is a batch, in the first call, too.
                is_data = phase is Phase.INIT and isinstance(leaf, sys.modules["numpy"].ndarray)
                self.child.observe(name + place, Phase.DATA if is_data else phase, self._plain(leaf))
                count += 1
        except Exception as error:
            self.child.note(f"{name} could not be observed: {error!r}")
        return count

    def _plain(self, leaf: Any) -> Any:
        if self.jax.dtypes.issubdtype(leaf.dtype, self.jax.dtypes.prng_key):
            leaf = self.jax.random.key_data(leaf)
        return sys.modules["numpy"].asarray(leaf)


class Names:
    """What a function and its parameters are called."""

    def __init__(self, made: Any, function: Any) -> None:
        self.function = _name(made)
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError):  # a callable that says nothing of its parameters
            parameters = []
        self._positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]

    def of(self, position: int) -> str:
        """The name of a positional argument; its position, counted from 0, where it has none."""
        return self._positional[position] if position < len(self._positional) else str(position)


class Observed:
    """Stands for a jitted function. All else that such a function can do (`lower`, `trace`, `clear_cache`, …) is its own.

    Attributes:
        trains: it computes gradients or applies updates.
    """

    def __init__(self, probe: JaxProbe, jitted: Any, function: Any) -> None:
        functools.update_wrapper(self, function if hasattr(function, "__name__") else jitted)
        self._probe = probe
        self._jitted = jitted
        self._names = Names(self, function)
        self.trains = False
        self._called = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._jitted, name)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        probe, here = self._probe, self._probe.here
        if here.calling is not None or not probe.watched() or not probe.concrete((args, kwargs)):
            return self._jitted(*args, **kwargs)
        # Before the call: what is donated to it does not exist afterwards.
        probe.put_arguments(self._names, args, kwargs, Phase.DATA if self._called else Phase.INIT, here.shown)
        self._called = True
        here.calling = self
        try:
            result = self._jitted(*args, **kwargs)
        finally:
            here.calling = None
        self._record(args, result)
        return result

    def _record(self, args: Any, result: Any) -> None:
        probe, child, name = self._probe, self._probe.child, self._names.function
        leaves = probe.leaves(result)
        changed = probe.leaves(args) if "flax.nnx" in sys.modules and not _is_pure(args) else []
        probe.here.shown = {id(leaf): leaf for _, leaf in [*leaves, *changed]}
        if not self.trains:
            probe.put(name, result, Phase.OUTPUT)
            child.commit()
            return
        losses = {id(leaf): leaf for _, leaf in leaves if _is_scalar(leaf)}
        others = {id(leaf): leaf for _, leaf in leaves if id(leaf) not in losses}
        probe.put(name, result, Phase.LOSS, unless=others)
        updated = probe.put(name, result, Phase.UPDATE, unless=losses)
        if changed or not updated:
            probe.put_arguments(self._names, args, {}, Phase.UPDATE)
        child.end_step()


def _is_pure(args: Any) -> bool:
    """Are these plain trees, nothing of which a call can change?"""
    nnx = sys.modules["flax.nnx"]
    return not any(isinstance(arg, (nnx.Module, nnx.Optimizer)) for arg in args)


def _is_scalar(leaf: Any) -> bool:
    """A loss or a metric; a step count is a whole number."""
    return not getattr(leaf, "ndim", 1) and str(leaf.dtype).startswith(("float", "bfloat"))


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
