"""Hashes objects by the order in which they are first hashed, instead of by their address.

Every class whose instances are hashed by address gets another C function into its `tp_hash` slot, when it is made by a class statement. The
class's dictionary is not touched: `cls.__hash__` is still `object.__hash__`, a later `__hash__ = …` or a dataclass decorator rewrites the
slot as always, and subclasses inherit it.
"""

from __future__ import annotations

import builtins
import ctypes
import sys
import weakref
from collections import defaultdict
from itertools import count
from typing import Any

_SLOT = 15 * ctypes.sizeof(ctypes.c_void_p)
"""Offset of tp_hash in PyTypeObject (Include/cpython/object.h): the same in all versions with one-word reference counts."""
_HASH = ctypes.PYFUNCTYPE(ctypes.c_ssize_t, ctypes.py_object)


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


def install(serials: Serials) -> bool:
    """Start hashing by serial number. Returns False where this interpreter's types are laid out differently."""
    slots = _Slots(serials)
    if not slots.work():
        return False
    build = builtins.__build_class__

    def build_class(*args: Any, **kwargs: Any) -> Any:
        made = build(*args, **kwargs)
        if isinstance(made, type) and not issubclass(made, type):
            slots.replace(made)
        return made

    builtins.__build_class__ = build_class
    return True


class _Slots:
    def __init__(self, serials: Serials) -> None:
        self._function = _HASH(serials.hash)
        self._ours = ctypes.cast(self._function, ctypes.c_void_p).value
        self._by_address = _slot(object).value

    def work(self) -> bool:
        """Does the slot lie where we think? Object and a plain class share theirs, str and int have others, and ours takes effect."""
        if sys.implementation.name != "cpython" or "t" in getattr(sys, "abiflags", ""):
            return False

        class Plain:
            pass

        values = [_slot(kind).value for kind in (object, Plain, str, int)]
        return values[0] == values[1] and len(set(values)) == 3 and all(values)

    def replace(self, kind: type) -> None:
        slot = _slot(kind)
        if slot.value == self._by_address:
            slot.value = self._ours


def _slot(kind: type) -> ctypes.c_void_p:
    return ctypes.c_void_p.from_address(real_id(kind) + _SLOT)
