"""Puts our functions in the place of others so that the program cannot tell, and takes them away again.

Two places need care. A builtin is not bound when it is found on an instance (`class Timer: clock = time.perf_counter`), so what
replaces it must not be a Python function: see `standin`. And methods of extension types can only be replaced in the type's own
dictionary: a subclass would be another type to everybody who asks for the exact one (torch.compile does): see `patch_type`.
"""

from __future__ import annotations

import functools
import gc
import importlib
import sys
from collections.abc import Callable
from typing import Any


class _Standin:
    """Base of callables that replace a builtin function: pickled by name, copied as itself, shown as the original."""

    __wrapped__: Callable[..., Any]
    __name__: str
    __qualname__: str

    def __reduce__(self) -> str | tuple[Any, ...]:
        module = sys.modules.get(self.__module__)
        name: str = self.__name__
        if getattr(module, name, None) is self:
            return name
        original = self.__wrapped__.__reduce__()  # taken away again in the meantime
        if isinstance(original, str):
            return (find, (self.__module__, name))
        return (*original,)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


def standin(original: Callable[..., Any], call: Callable[..., Any], module: str) -> Any:
    """A callable that passes for the builtin `original` and runs `call`.

    Args:
        original: what it replaces; found again as `__wrapped__`.
        call: a plain function whose first parameter is ignored. The program's frame is `sys._getframe(1)` in it.
        module: name of the module in which the program finds it.
    """
    name = original.__name__
    call._torchdynamo_disable = True  # type: ignore[attr-defined]  # break the graph here as the builtin does
    new = type(name, (_Standin,), {"__call__": call, "__doc__": original.__doc__, "__module__": module})()
    new.__wrapped__ = original
    new.__name__ = name
    new.__qualname__ = name
    return new


def find(module: str, name: str) -> Any:
    """What a module now calls by this name (for unpickling)."""
    return getattr(importlib.import_module(module), name)


def replace(module: Any, name: str, call: Callable[..., Any]) -> Any:
    """Replace the builtin function `module.name` by a stand-in for it (see `standin`); returns the stand-in."""
    new = standin(getattr(module, name), call, module.__name__)
    setattr(module, name, new)
    return new


def before(module: Any, name: str, tell: Callable[..., None]) -> None:
    """Call `tell` with the arguments of every call of the builtin function `module.name`, before it is carried out."""
    real = getattr(module, name)

    def call(_self: object, *args: Any, **kwargs: Any) -> Any:
        tell(*args, **kwargs)
        return real(*args, **kwargs)

    replace(module, name, call)


def patch_type(kind: type, name: str, function: Any) -> Callable[[], None]:
    """Set an attribute in the dictionary of any type, extension types included. Returns what puts the old one back.

    The new attribute is a function, classmethod or property as in any class. Raises RuntimeError where the interpreter does not
    let one reach the dictionary.
    """
    dictionary = _dictionary(kind)
    missing = object()
    old = dictionary.get(name, missing)
    dictionary[name] = function
    _modified(kind)

    def restore() -> None:
        if dictionary.get(name) is function:  # else somebody has replaced ours in the meantime
            if old is missing:
                del dictionary[name]
            else:
                dictionary[name] = old
            _modified(kind)

    return restore


def like(original: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`functools.wraps` that also copes with builtins lacking some of the attributes."""
    return functools.wraps(original, assigned=("__module__", "__name__", "__qualname__", "__doc__"))


def harmless(function: Callable[..., Any]) -> Callable[..., Any]:
    """For watchers: an exception of ours must not reach the program. Gives None instead."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception:
            return None

    return call


def _dictionary(kind: type) -> dict[str, Any]:
    # A class's __dict__ is a read-only view; the collector knows what it is a view of.
    found = gc.get_referents(kind.__dict__)
    if len(found) != 1 or type(found[0]) is not dict:
        raise RuntimeError(f"the dictionary of {kind!r} is out of reach in this interpreter")
    return found[0]


def _modified(kind: type) -> None:
    """Make the interpreter forget what it remembers about the type's attributes."""
    import ctypes

    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))
