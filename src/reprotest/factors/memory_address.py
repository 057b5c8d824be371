"""Addresses of objects: id(), the default hash, and the order of whatever is keyed by them."""

from __future__ import annotations

import builtins
import ctypes
import os
import random
import sys
from collections.abc import Mapping
from typing import Any

from reprotest.factors._identity import Serials, install, real_id
from reprotest.factors._source import InSource
from reprotest.factors.base import Factor, Inside, Json, Launch, Setting

_ADDR_NO_RANDOMIZE = 0x0040000
_SHIFT = 3 * 16384 + 4096
"""Bytes by which one variant moves the stack and the mappings: neither whole pools of Python's allocator (16 KiB) nor less than a page."""
_ELSEWHERE = 0x5A5A5A50
"""Bits of an address that are flipped where a single line is to see other addresses."""
_PADS = (b"REPROTEST_PAD", b"REPROTEST_PAD2")


class MemoryAddress(Factor):
    """Held by switching address randomisation off; other variants move stack and mappings, and scramble the allocators' free lists.

    Addresses also move when anything else allocates differently: another hash seed, another order of threads. With
    `Setting.identity`, hashes of objects and the addresses that they are printed with come from a serial number instead (`_identity`), and so
    does id() for the user's code.
    """

    id = "memory.address"
    what = "at which addresses objects lie: id(), the default hash and repr of objects, the order of sets of objects"
    fix = "do not let the order of a set of objects, or id(), matter: sort by a name or an index, or use a list or a dict instead of a set"
    repeats = True
    unseen = True
    tries = 3
    order = 45
    source = InSource(values=("id",))

    def read(self) -> Mapping[str, Json]:
        found: dict[str, Json] = {}
        try:
            with open("/proc/sys/kernel/randomize_va_space") as file:
                found["randomize_va_space"] = int(file.read())
            with open("/proc/self/personality") as file:
                found["randomised"] = not int(file.read(), 16) & _ADDR_NO_RANDOMIZE
        except (OSError, ValueError):
            pass
        return found

    def launch(self, setting: Setting) -> Launch:
        return Launch(fixed_addresses=True, shift_addresses=setting.variant_at(None) * _SHIFT)

    def perturb(self, k: int) -> str | None:
        return "addresses fixed" if k == 0 else f"addresses moved by {k * _SHIFT // 1024} KiB and free memory scrambled"

    def watch(self, inside: Inside) -> None:
        # Still in the environment of processes that are started from here, whose stacks it puts into place.
        kept = getattr(os.environ, "_data", {})
        for name in _PADS:
            kept.pop(name, None)
        setting = inside.setting(self.id)
        ids: Serials | None = None
        if setting is not None:
            variant = setting.variant_at(None)
            if variant:
                _scramble(variant)
            if setting.identity:
                by_order, numbers = Serials(variant), Serials(shared=True)
                if install(by_order, lambda thing: numbers.address(thing, variant)):
                    ids = numbers
                    inside.on_import("torch", lambda module: _hash_tensors(module, by_order))
                else:
                    _say(
                        inside, "objects could not be told apart by creation order: types are laid out differently here"
                    )
        _watch_id(inside, ids, setting)


def _say(inside: Inside, sentence: str) -> None:
    note = getattr(inside, "note", None)
    if note is not None:
        note(sentence)


def _watch_id(inside: Inside, ids: Serials | None, setting: Setting | None) -> None:
    frame_of = sys._getframe
    only = setting.only if setting is not None and setting.variant else ()

    def id(thing: object, /) -> int:
        if inside.caller_is_user():
            site = inside.site()
            inside.used(MemoryAddress.id, site)
            # The memo of a __deepcopy__ is read by copy.deepcopy, too, by addresses.
            if ids is not None and setting is not None and frame_of(1).f_code.co_name != "__deepcopy__":
                return ids.address(thing, setting.variant_at(site))
            if site in only:  # as if the object lay elsewhere; different objects still do
                return real_id(thing) ^ _ELSEWHERE
        return real_id(thing)

    id.__module__, id.__qualname__, id.__doc__ = "builtins", "id", real_id.__doc__
    builtins.id = id


def _hash_tensors(torch: Any, serials: Serials) -> None:
    """Tensors have a __hash__ of their own, which is id()."""

    def __hash__(self: Any) -> int:
        return serials.hash(self)

    torch.Tensor.__hash__ = __hash__


_held: list[Any] = []


def _scramble(variant: int) -> None:
    """Take blocks of every small size and give half of them back in another order, so that later objects lie elsewhere."""
    generator = random.Random(variant)
    api, libc = ctypes.pythonapi, ctypes.CDLL(None)
    for allocate, free, sizes, blocks in (
        (api.PyObject_Malloc, api.PyObject_Free, range(16, 513, 16), 128),
        (libc.malloc, libc.free, range(528, 4096, 96), 24),
    ):
        allocate.restype, allocate.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        free.restype, free.argtypes = None, [ctypes.c_void_p]
        for size in sizes:
            taken = [allocate(size) for _ in range(blocks)]
            generator.shuffle(taken)
            for block in taken[: blocks // 2]:
                free(block)
            _held.append(taken[blocks // 2 :])
