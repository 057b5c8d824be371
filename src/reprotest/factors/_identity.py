"""Hashes and prints objects by the order in which that is first done, instead of by their address.

Every class whose instances are hashed by address gets another C function into its `tp_hash` slot, when it is made by a class statement, and
likewise `tp_repr` where the address is printed. The class's dictionary is not touched: `cls.__hash__` is still `object.__hash__`, a later
`__hash__ = …` or a dataclass decorator rewrites the slot as always, and subclasses inherit it.
"""

from __future__ import annotations

import builtins
import ctypes
import sys
import weakref
from collections import defaultdict
from collections.abc import Callable
from itertools import count
from typing import Any

_WORD = ctypes.sizeof(ctypes.c_void_p)
_HASH, _REPR = 15 * _WORD, 11 * _WORD
"""Offsets of tp_hash and tp_repr in PyTypeObject (Include/cpython/object.h): the same in all versions with one-word reference counts."""
_hash_function = ctypes.PYFUNCTYPE(ctypes.c_ssize_t, ctypes.py_object)
_repr_function = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)


class Serials:
    """A number for every object, by the order in which it is first asked for; each class counts for itself.

    One count for all would let what libraries hash move the numbers of the user's objects, and with them their places in a set.

    Args:
        variant: of `hash`.
        shared: one count for all classes all the same, so that no two living objects have one number.
    """

    def __init__(self, variant: int = 0, *, shared: bool = False) -> None:
        self._variant = variant
        self._shared = shared
        self._next: defaultdict[type, count[int]] = defaultdict(lambda: count(1))
        self._known: dict[int, tuple[int, Any]] = {}

    def of(self, thing: Any) -> int:
        address = real_id(thing)
        known = self._known.get(address)
        if known is not None:
            reference = known[1]
            if reference is None or reference() is thing:
                return known[0]
        number = next(self._next[object if self._shared else type(thing)])
        try:
            # Kept alive by the table; when the object dies its address is free for another one.
            reference = weakref.ref(thing, lambda _: self._forget(address, number))
        except TypeError:  # a class with slots: the number stays with the address
            reference = None
        self._known[address] = (number, reference)
        return number

    def _forget(self, address: int, number: int) -> None:
        known = self._known.get(address)
        if known is not None and known[0] == number:
            del self._known[address]

    def address(self, thing: Any, variant: int) -> int:
        """What stands in for its address: in the order of the numbers, or for other variants in another one."""
        number = self.of(thing)
        if variant:  # an odd factor maps the numbers below 2^24 one to one
            number = (number * 0x9E3779 + variant * 0x632BE5) & 0xFFFFFF
        return 0x7F0000000000 + 64 * number

    def hash(self, thing: Any) -> int:
        """What stands in for the hash of its address: in the order of the numbers, or for other variants in another one."""
        number = self.of(thing)
        return (
            number
            if not self._variant
            else (number * 0x9E3779B97F4A7C15 + self._variant * 0x632BE59BD9B4E019) >> 7 & 0x7FFFFFFFFFFFFFF
        )


real_id = builtins.id


def install(hashes: Serials, addresses: Callable[[Any], int]) -> bool:
    """Start hashing by serial number, and printing what `addresses` gives for an object.

    Returns False where this interpreter's types are laid out differently.
    """
    slots = [_Slot(_HASH, _hash_function(hashes.hash)), _Slot(_REPR, _repr_function(_printed(addresses)))]
    if not all(slot.works() for slot in slots):
        return False
    build = builtins.__build_class__

    def build_class(*args: Any, **kwargs: Any) -> Any:
        made = build(*args, **kwargs)
        if isinstance(made, type) and not issubclass(made, type):
            for slot in slots:
                slot.replace(made)
        return made

    builtins.__build_class__ = build_class
    return True


def _printed(addresses: Callable[[Any], int]) -> Callable[[Any], str]:
    """What `object.__repr__` returns, with another address. It must not raise: nothing is there to hand an exception on."""
    original = object.__repr__

    def printed(thing: Any) -> str:
        real = original(thing)
        try:
            before, at, _ = real.rpartition(" at 0x")
            return f"{before}{at}{addresses(thing):x}>" if at else real
        except Exception:
            return real

    return printed


class _Slot:
    """A C function of types that goes by addresses, and what is put into its place.

    Args:
        offset: in PyTypeObject.
        function: a ctypes callback.
    """

    def __init__(self, offset: int, function: Any) -> None:
        self._offset = offset
        self._function = function
        self._ours = ctypes.cast(function, ctypes.c_void_p).value
        self._by_address = self._of(object).value

    def works(self) -> bool:
        """Does the slot lie where we think? Object and a plain class share theirs, str and int have others."""
        if sys.implementation.name != "cpython" or "t" in getattr(sys, "abiflags", ""):
            return False

        class Plain:
            pass

        values = [self._of(kind).value for kind in (object, Plain, str, int)]
        return values[0] == values[1] and len(set(values)) == 3 and all(values)

    def replace(self, kind: type) -> None:
        slot = self._of(kind)
        if slot.value == self._by_address:
            slot.value = self._ours

    def _of(self, kind: type) -> ctypes.c_void_p:
        return ctypes.c_void_p.from_address(real_id(kind) + self._offset)
