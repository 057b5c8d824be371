"""Random bytes of the operating system: os.urandom, secrets, uuid4, SystemRandom, names of temporary files."""

from __future__ import annotations

import builtins
import functools
import io
import os
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from reprotest.factors import _patch
from reprotest.factors._callers import asker, library_import
from reprotest.factors._source import InSource
from reprotest.factors._values import number
from reprotest.factors.base import Factor, Inside, Launch, Setting

_THROUGH = frozenset({"joblib.externals.loky.backend", "pathlib", "random", "secrets", "tempfile", "uuid"})
"""Modules that hand entropy on to whoever called them."""
TEMPORARY = "temporary"
"""Under this key a process leaves the paths of the temporary files and folders that it made, or tried to make."""
_MOST_NAMES = 10_000
_SAVED_AT_ONCE = 100
"""A worker of a data loader may be killed at any time after it made its folder; with many names, saving each would take long."""
_DEVICES = ("/dev/urandom", "/dev/random")
_DEVICE_BYTES = 1 << 20


class OsEntropy(Factor):
    """Entropy that Python code asks for is replaced here; what native code asks for, by the launcher (getrandom(2))."""

    id = "os.entropy"
    what = "random bytes of the operating system: os.urandom, secrets, uuid4, SystemRandom, temporary names, hash maps of native code"
    fix = "derive seeds and ids from the run's own seed, and let nothing depend on a random name or on the order of a native hash map"
    repeats = True
    unseen = True
    tries_unseen = 3
    order = 30
    source = InSource(values=("os.urandom", "os.getrandom", "secrets.*", "uuid.uuid1", "uuid.uuid4"))

    def launch(self, setting: Setting) -> Launch:
        # Native code has no call site: where an experiment varies single lines only, it sees variant 0.
        return Launch(getrandom_seed=number(setting, "getrandom", bits=32, variant=setting.variant_at(None)))

    def watch(self, inside: Inside) -> None:
        _Watch(inside).install()

    def perturb(self, k: int) -> str | None:
        if not 1 <= k <= self.tries_unseen:
            return None
        return "other random bytes" if k == 1 else f"other random bytes, drawn with seed {k}"


class _Watch:
    """Watches what one process's Python code asks for, and answers from a seeded stream where there is a setting."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._setting = inside.setting(OsEntropy.id)
        self._temporary: list[str] = []

    def install(self) -> None:
        original = os.urandom
        ask = self._ask

        def urandom(_self: object, size: int, /) -> bytes:
            return ask(original, size)

        def getrandom(_self: object, size: int, flags: int = 0) -> bytes:
            return ask(original_getrandom, size, flags)

        new = _patch.replace(os, "urandom", urandom)
        if hasattr(os, "getrandom"):
            original_getrandom = os.getrandom
            _patch.replace(os, "getrandom", getrandom)

        def hold_random(module: ModuleType) -> None:
            module._urandom = new  # type: ignore[attr-defined]  # for SystemRandom and secrets

        self._inside.on_import("random", hold_random)
        self._inside.on_import("tempfile", self._hold_names)
        self._inside.on_import("sqlite3.dbapi2", lambda module: self._watch_sqlite(module, original))
        self._watch_devices()

    def _ask(self, original: Callable[..., bytes], size: int, *rest: Any) -> bytes:
        who = asker(self._inside, _THROUGH, depth=3)
        if who == "machinery" or type(size) is not int or size < 0:
            return original(size, *rest)
        site = self._noted()
        if self._setting is None or size == 0:
            return original(size, *rest)
        return self._inside.stream(OsEntropy.id, site, size)

    def _noted(self) -> str | None:
        site = self._inside.site()
        if not library_import(self._inside, depth=3):
            self._inside.used(OsEntropy.id, site)
        return site

    def _watch_sqlite(self, module: ModuleType, original: Callable[..., bytes]) -> None:
        """SQLite seeds its random() from /dev/urandom, beneath Python; a connection's own function of that name is asked instead."""
        ask, connect = self._ask, module.connect

        def random() -> int:
            return int.from_bytes(ask(original, 8), "little", signed=True)

        def randomblob(size: Any) -> bytes:
            return ask(original, max(int(size or 1), 1))

        @functools.wraps(connect)
        def connected(*args: Any, **kwargs: Any) -> Any:
            connection = connect(*args, **kwargs)
            connection.create_function("random", 0, random)
            connection.create_function("randomblob", 1, randomblob)
            return connection

        module.connect = connected  # type: ignore[attr-defined]

    # --- names of temporary files -------------------------------------------------------------------------------

    def _hold_names(self, tempfile: ModuleType) -> None:
        sys.addaudithook(self._remember_name)
        kind = tempfile._RandomNameSequence
        original: Callable[[Iterator[str]], str] = kind.__next__

        @_patch.like(original)
        def next_name(self_: Iterator[str]) -> str:
            if asker(self._inside, _THROUGH) == "machinery":
                return original(self_)
            site = self._noted()
            # A constant stream would offer the same name for ever.
            if self._setting is None or self._setting.constant:
                return original(self_)
            raw = self._inside.stream(OsEntropy.id, site, 8)
            return "".join(kind.characters[byte % len(kind.characters)] for byte in raw)

        kind.__next__ = next_name

    def _remember_name(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Whoever starts the next run with the same names removes what is left of them."""
        if event in ("tempfile.mkdtemp", "tempfile.mkstemp") and len(self._temporary) < _MOST_NAMES:
            self._temporary.append(os.path.abspath(os.fsdecode(arguments[0])))
            self._inside.put(TEMPORARY, self._temporary)
            self._inside.save(now=len(self._temporary) <= _SAVED_AT_ONCE)

    # --- /dev/urandom -------------------------------------------------------------------------------------------

    def _watch_devices(self) -> None:
        inside = self._inside

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if event == "open" and _is_device(arguments[0]) and asker(inside, _THROUGH) != "machinery":
                self._noted()

        if self._setting is None:
            sys.addaudithook(hook)
            return
        original = open

        def open_held(_self: object, file: Any, *args: Any, **kwargs: Any) -> Any:
            if _is_device(file) and asker(inside, _THROUGH) != "machinery":
                file = self._device(self._noted())
            return original(file, *args, **kwargs)

        new = _patch.standin(original, open_held, "io")
        builtins.open = io.open = new

    def _device(self, site: str | None) -> int:
        """A file with the stream's bytes: everybody who reads a device wants a real descriptor."""
        import _random

        twister = _random.Random(int.from_bytes(self._inside.stream(OsEntropy.id, site, 32), "little"))
        content = twister.getrandbits(8 * _DEVICE_BYTES).to_bytes(_DEVICE_BYTES, "little")
        handle = os.memfd_create("urandom")
        os.write(handle, content)
        os.lseek(handle, 0, os.SEEK_SET)
        return handle


def _is_device(file: Any) -> bool:
    if isinstance(file, os.PathLike):
        file = file.__fspath__()
    return type(file) is str and file in _DEVICES
