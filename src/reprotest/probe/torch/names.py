"""Finds out what parameters and modules are called, as the user would: "conv1.weight", "generator.main.0.bias"."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from torch import Tensor, nn

_PARALLEL = ("DistributedDataParallel", "DataParallel")
_WRAPPERS = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
_PATIENCE = 16
"""Searches for models that may find nothing new, one after the other; then only the 32nd, the 64th … is carried out."""
_is_module: dict[type, bool] = {}


class Buffer(NamedTuple):
    """Where a buffer is kept: programs replace the tensor."""

    name: str
    of: dict[str, Tensor | None]
    key: str


class Names(threading.local):
    """Names of tensors and modules, for the models that one thread trains.

    The only model of a program has no label ("conv1.weight"). Of several, each is called after the variable of `__main__` that holds it,
    or else after its class, numbered in the order of the optimizers' parameters: never in one that depends on the garbage collector
    or on other threads.
    """

    def __init__(self) -> None:
        self._roots: list[tuple[weakref.ref[nn.Module], str]] = []
        self._tensors: dict[int, tuple[weakref.ref[Tensor], str]] = {}
        self._modules: dict[int, tuple[weakref.ref[nn.Module], str]] = {}
        self._in_vain = 0

    def learn(self, parameters: Iterable[Tensor]) -> list[nn.Module]:
        """Find the models that these belong to, and those in variables of the program. Returns all models known so far."""
        self._forget_dead()
        new = self._new_roots(list(parameters))
        alone = not self._roots and len(new) == 1
        for root in new:
            label = "" if alone else self._unused(variable_of(root) or _plain_class(root))
            self._roots.append((weakref.ref(root), label))
        known = [(root, label) for root, label in ((ref(), label) for ref, label in self._roots) if root is not None]
        for root, label in known:
            self._learn(root, label)
        return [root for root, _ in known]

    def _new_roots(self, parameters: list[Tensor]) -> list[nn.Module]:
        """Models not known yet. Searching all objects takes longer than a step: programs may make an optimizer for each of theirs."""
        if parameters and all(self.tensor(tensor) is not None for tensor in parameters):
            return []
        self._in_vain += 1
        if self._in_vain > _PATIENCE and self._in_vain & (self._in_vain - 1):  # tensors that no module holds
            return []
        roots = [root for root in _roots_of(_live_modules()) if next(_tensors_of(root), None) is not None]
        found = [*_owners(roots, parameters), *_in_variables(roots)]
        new = [root for root in dict.fromkeys(found) if self._label(root) is None]
        if new:
            self._in_vain = 0
        return new

    def adopt(self, module: nn.Module) -> None:
        """Name a module that no optimizer trains, and what it contains, after its class."""
        self._learn(module, variable_of(module) or _plain_class(module))

    def tensor(self, tensor: Tensor) -> str | None:
        """Name of a parameter or buffer; None when no module is known to hold it."""
        found = self._tensors.get(id(tensor))
        return found[1] if found is not None and found[0]() is tensor else None

    def module(self, module: nn.Module) -> str | None:
        """Name of a module, "" for the only model; None when it is not known."""
        found = self._modules.get(id(module))
        return found[1] if found is not None and found[0]() is module else None

    def buffers_beside(self, parameters: Iterable[Tensor]) -> list[Buffer]:
        """The buffers of the models that these parameters belong to."""
        wanted = {id(tensor) for tensor in parameters}
        found: dict[int, Buffer] = {}
        for reference, _ in self._roots:
            root = reference()
            if root is None or not any(id(tensor) in wanted for tensor in root.parameters()):
                continue
            for module in root.modules():
                for key, tensor in module._buffers.items():
                    if isinstance(tensor, Tensor):
                        found.setdefault(id(tensor), Buffer(self.tensor(tensor) or key, module._buffers, key))
        return list(found.values())

    def _label(self, root: nn.Module) -> str | None:
        return next((label for reference, label in self._roots if reference() is root), None)

    def _learn(self, root: nn.Module, label: str) -> None:
        wrapped = type(root).__name__ in _PARALLEL
        for path, module in root.named_modules():
            if wrapped and path.partition(".")[0] == "module":
                path = path.partition(".")[2]
            inside = _clean(".".join(part for part in (label, path) if part))
            if self.module(module) is None:
                self._modules[id(module)] = (weakref.ref(module), inside)
            for own in (module._parameters, module._buffers):
                for name, tensor in own.items():
                    if (
                        isinstance(tensor, Tensor) and self.tensor(tensor) is None
                    ):  # a shared tensor keeps its first name
                        self._tensors[id(tensor)] = (weakref.ref(tensor), f"{inside}.{name}" if inside else name)

    def _unused(self, label: str) -> str:
        """A dead model's label stays taken, so that a label means one model during the whole run."""
        taken = {known for _, known in self._roots}
        number, name = 1, label
        while name in taken:
            number += 1
            name = f"{label}{number}"
        return name

    def _forget_dead(self) -> None:
        for table in (self._tensors, self._modules):
            for key in [key for key, (reference, _) in table.items() if reference() is None]:
                del table[key]


def named_tensors(names: Names, roots: Iterable[nn.Module]) -> Iterator[tuple[str, Tensor, bool]]:
    """(name, tensor, is it a buffer) of everything below the roots, each tensor once."""
    seen: set[int] = set()
    for root in roots:
        for found, is_buffer in ((root.parameters(), False), (root.buffers(), True)):
            for tensor in found:
                if id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield names.tensor(tensor) or "tensor", tensor, is_buffer


def _live_modules() -> list[nn.Module]:
    """Every module of this process, about in order of creation."""
    found = []
    for thing in gc.get_objects():
        kind = type(thing)
        known = _is_module.get(kind)
        if known is None:
            # Not isinstance(): it asks the object, and a proxy would run somebody's code.
            known = _is_module[kind] = issubclass(kind, nn.Module)
        if known and "_modules" in thing.__dict__:
            found.append(thing)
    return found


def _roots_of(modules: list[nn.Module]) -> list[nn.Module]:
    """Those that no other module contains."""
    inner = {id(child) for module in modules for child in module._modules.values() if child is not None}
    return [module for module in modules if id(module) not in inner]


def _owners(roots: list[nn.Module], parameters: Iterable[Tensor]) -> list[nn.Module]:
    """The models of these parameters, in the order of the parameters; of two that share one, the larger."""
    sized = sorted(((list(root.parameters()), root) for root in roots), key=lambda pair: -len(pair[0]))
    owner: dict[int, nn.Module] = {}
    for own, root in sized:
        for tensor in own:
            owner.setdefault(id(tensor), root)
    return [owner[id(tensor)] for tensor in parameters if id(tensor) in owner]


def _in_variables(roots: list[nn.Module]) -> list[nn.Module]:
    """Models in global variables of the program, trained or not; another thread's models are no business of ours."""
    if threading.current_thread() is not threading.main_thread():
        return []
    known = {id(root) for root in roots}
    return [value for value in list(_program().values()) if id(value) in known]


def variable_of(thing: nn.Module | Tensor) -> str | None:
    """The global variable of the program that holds it."""
    for name, value in list(_program().items()):
        if value is thing and not name.startswith("_"):
            return name
    return None


def _program() -> dict[str, Any]:
    return getattr(sys.modules.get("__main__"), "__dict__", {})


def _tensors_of(root: nn.Module) -> Iterator[Tensor]:
    yield from root.parameters()
    yield from root.buffers()


def _plain_class(root: nn.Module) -> str:
    kind = type(root)
    if kind.__name__ in (*_PARALLEL, "OptimizedModule", "FullyShardedDataParallel"):
        inner = next(iter(root._modules.values()), None)
        if inner is not None:
            return _plain_class(inner)
    return kind.__name__


def _clean(name: str) -> str:
    """Without the path components that wrappers insert."""
    return ".".join(part for part in name.split(".") if part not in _WRAPPERS)
