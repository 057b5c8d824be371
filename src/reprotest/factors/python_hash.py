"""The randomised hash of str and bytes, and with it the order of sets."""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from reprotest.factors import _patch
from reprotest.factors._callers import DirectCallers
from reprotest.factors._source import InSource
from reprotest.factors.base import PINNING, Factor, Inside, Json, Launch, Pinning, Setting

_PLAIN = (int, float, bool, type(None))


class PythonHash(Factor):
    """PYTHONHASHSEED. Fixed when the interpreter starts: setting it from inside has no effect."""

    id = "python.hash"
    what = "the hash of strings and bytes, which Python draws anew for every process, and with it the order of sets of strings"
    fix = (
        "sort a set before its order can matter, and use hashlib or zlib.crc32 instead of hash() for seeds and keys; setting "
        "PYTHONHASHSEED helps too, but only before Python starts: from inside the program it is too late"
    )
    repeats = True
    unseen = True
    tries = 3
    order = 20
    source = InSource(values=("hash",))

    def fixed(self, environ: Mapping[str, str]) -> str | None:
        value = environ.get("PYTHONHASHSEED", "")
        return f"PYTHONHASHSEED={value} is set in the environment" if value not in ("", "random") else None

    def read(self) -> Mapping[str, Json]:
        return {"PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED"), "randomised": bool(sys.flags.hash_randomization)}

    def launch(self, setting: Setting) -> Launch:
        variant = setting.variant_at(None)
        if variant == 0 and self.fixed(os.environ):
            return Launch()  # held already, at the user's own value
        return Launch(env={"PYTHONHASHSEED": str((setting.seed + variant) % 2**32)})

    def watch(self, inside: Inside) -> None:
        setting = inside.setting(self.id)
        original, callers = builtins.hash, DirectCallers(inside)

        def hash(_self: object, obj: object, /) -> int:
            value = original(obj)
            if _holds_text(obj):
                is_user, site = callers.site(2)
                if not is_user:
                    return value
                inside.used(PythonHash.id, site)
                if setting is not None and setting.only and setting.variant_at(site):
                    # The seed of the process stays; the listed line alone sees other hashes, equal ones for equal objects.
                    return original((setting.variant_at(site), "another hash seed", value))
            return value

        new = _patch.replace(builtins, "hash", hash)

        def restore(numba: ModuleType) -> None:
            # Its compiler knows builtins by identity.
            if builtins.hash is new:
                builtins.hash = original

        inside.on_import("numba", restore)

    def pin(self, seed: int, how: Pinning = PINNING) -> Sequence[str]:
        value = seed_in_force()
        return () if value is None else (f"hash(): Python was started with PYTHONHASHSEED={value}",)

    def unpinned(self, how: Pinning = PINNING) -> Sequence[str]:
        if seed_in_force() is not None:
            return ()
        return (
            "hash() of text, and so the order of sets: PYTHONHASHSEED counts only before Python starts; set it there, or say relaunch=True",
        )

    def perturb(self, k: int) -> str | None:
        return f"PYTHONHASHSEED={k}" if k <= self.tries else None


def seed_in_force() -> int | None:
    """The PYTHONHASHSEED that Python was started with, whatever the environment says by now; None when it drew the seed itself.

    `sys.flags.hash_randomization` does not tell: it is 1 for every seed but 0. So the interpreter's secret is compared with the one
    that CPython makes from a seed (Python/bootstrap_hash.c, `lcg_urandom`).
    """
    if not sys.flags.hash_randomization:
        return 0
    secret = _secret()
    for text in (os.environ.get("PYTHONHASHSEED", ""), _at_the_start()):
        if text.isdecimal() and (secret is None or secret == _made_from(int(text), len(secret))):
            return int(text)
    return None


def _secret() -> bytes | None:
    import ctypes

    try:
        return bytes((ctypes.c_ubyte * 24).in_dll(ctypes.pythonapi, "_Py_HashSecret"))
    except (AttributeError, ValueError):  # not CPython, or one that hides it
        return None


def _made_from(seed: int, size: int) -> bytes:
    made = bytearray()
    for _ in range(size):
        seed = (seed * 214013 + 2531011) % 2**32
        made.append(seed >> 16 & 0xFF)
    return bytes(made)


def _at_the_start() -> str:
    """The variable as it was when the process started, for a program that has changed it since."""
    try:
        with open("/proc/self/environ", "rb") as file:
            variables = file.read().split(b"\0")
    except OSError:
        return ""
    values = [one.partition(b"=")[2] for one in variables if one.startswith(b"PYTHONHASHSEED=")]
    return values[0].decode("ascii", "replace") if values else ""


def _holds_text(obj: Any) -> bool:
    kind = type(obj)
    if kind is tuple or kind is frozenset:
        for item in obj:  # noqa: SIM110 - a generator costs more than all else here
            if type(item) not in _PLAIN and _holds_text(item):
                return True
        return False
    return kind is str or kind is bytes
