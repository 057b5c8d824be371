"""Sees which files a run reads and writes, and keeps what they held before the first write.

Python's own doors are watched (`open`, `os.open`, renaming, deleting) and those of libraries that write through C++ or Rust. An audit hook
would see the first kind, too, but slows every audited operation of the interpreter, `id` and ctypes among them, by 0.2 µs.
Files opened by other native code are not seen.
"""

from __future__ import annotations

import builtins
import functools
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from reprotest.factors import _patch
from reprotest.factors._elsewhere import KERNEL
from reprotest.factors.base import Inside

_MOST_FILES = 2_000
"""So many files are told of in one process."""
_MOST_BYTES = 256 << 20
"""Larger files are told apart by size and time alone."""
_OLD = 86_400 * 10**9
"""A file unchanged for so long (ns) before the process began is told of only when the run changes it."""
_SYSTEM = ("/dev/", "/etc/", "/usr/", "/lib", "/nix/store/", "/run/")
_CODE = (".py", ".pyc", ".so", ".pth", ".egg-link")

_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_open, _io_open = os.open, io.open  # before they are replaced


class Files:
    """The files of one process, by absolute path.

    Args:
        changed: called after every new fact, with all of them: {path: {"read": …, "written": …, "reread": …}}; these are the file's
            "site" of use, "step" in which it was read, where that is known, and "size", "mtime", "inode" and "digest" (nothing but "site" where there was no file) when it was first read
            as it was found, right before it was first written, and when it was first read after that.
        before_write: called with a path once, right before its first change.
        rewritten: called with the site of a read when that file is changed later on.
        ignored: folders that do not count (the run's own records).
        step: how many steps the calling thread has completed; None where it has begun none.
        kernel: called with the path when a file is read that the kernel makes up.
    """

    def __init__(
        self,
        inside: Inside,
        changed: Callable[[dict[str, Any]], None],
        before_write: Callable[[str], None],
        rewritten: Callable[[str | None], None],
        ignored: tuple[str, ...],
        step: Callable[[], int | None] = lambda: None,
        kernel: Callable[[str], None] = lambda path: None,
    ) -> None:
        self._inside = inside
        self._kernel = kernel
        self._changed = changed
        self._before_write = before_write
        self._rewritten = rewritten
        self._step = step
        self._ignored = (
            *_SYSTEM,
            *ignored,
            *{os.path.realpath(p) + "/" for p in (sys.prefix, sys.base_prefix, sys.pycache_prefix) if p},
            sys.prefix + "/",
        )
        self._facts: dict[str, dict[str, Any]] = {}
        self._old: dict[str, dict[str, Any]] = {}
        self._busy = threading.local()
        self._born = _now()

    def opened(self, path: Any, flags: int) -> None:
        """A file is about to be opened."""
        mode = flags & os.O_ACCMODE
        if mode != os.O_WRONLY and not flags & os.O_TRUNC:
            self.read(path)
        if mode != os.O_RDONLY or flags & (os.O_CREAT | os.O_TRUNC):
            self.write(path)

    def read(self, path: Any) -> None:
        """A file is about to be read."""
        with self._quietly() as quiet:
            where = self._where(path) if quiet else None
            if where is None:
                return
            facts = self._facts.get(where)
            if where in self._old or (facts is not None and ("read" in facts or "reread" in facts)):
                return
            state = _state(where)
            if state is None:
                return
            if facts is not None:  # the run's own work
                self._facts[where] = {**facts, "reread": {**state, "digest": _digest(where)}}
                self._changed(self._facts)
                return
            step = self._step()
            read = {"site": self._inside.site(), **state, **({"step": step} if step else {})}
            if state["mtime"] < self._born - _OLD:
                self._old[where] = read
            elif len(self._facts) < _MOST_FILES:
                self._facts[where] = {"read": {**read, "digest": _digest(where)}}
                self._changed(self._facts)

    def write(self, path: Any) -> None:
        """A file is about to be written, replaced or removed."""
        with self._quietly() as quiet:
            where = self._where(path) if quiet else None
            if where is None:
                return
            facts = self._facts.get(where, {})
            if "written" in facts:
                return
            self._before_write(where)
            state = _state(where)
            if where in self._old:
                facts = {"read": {**self._old.pop(where), "digest": _digest(where)}}
            elif not facts and len(self._facts) >= _MOST_FILES:
                return
            if state is not None and "read" in facts:
                self._rewritten(facts["read"]["site"])
            self._facts[where] = {**facts, "written": {"site": self._inside.site(), **(state or {})}}
            self._changed(self._facts)

    def database(self, path: Any) -> None:
        """A database is about to be opened, which its library both reads and writes."""
        if path != ":memory:":
            self.read(path)
            self.write(path)

    def inputs(self) -> list[str]:
        """Paths of all files that were read as they were found."""
        return sorted([*list(self._old), *(path for path, facts in list(self._facts.items()) if "read" in facts)])

    @contextmanager
    def _quietly(self) -> Iterator[bool]:
        """Our own work must neither be watched nor fail the program. False when we are at it already."""
        if getattr(self._busy, "yes", False):
            yield False
            return
        self._busy.yes = True
        try:
            yield True
        except (OSError, ValueError, TypeError, MemoryError):
            pass
        finally:
            self._busy.yes = False

    def _where(self, path: Any) -> str | None:
        if isinstance(path, int) or path is None:
            return None
        where = os.path.abspath(os.fsdecode(os.fspath(path)))
        if where.startswith(KERNEL):
            self._kernel(where)
            return None
        if (
            where.startswith(self._ignored)
            or where.endswith(_CODE)
            or "/site-packages/" in where
            or "/__pycache__/" in where
        ):
            return None
        return where


def install(inside: Inside, files: Files) -> None:
    """Watch every door of this process."""
    opened, read, write = files.opened, files.read, files.write

    def open_file(self: Any, *args: Any, **kwargs: Any) -> Any:
        file = args[0] if args else kwargs.get("file")
        mode = args[1] if len(args) > 1 else kwargs.get("mode", "r")
        if isinstance(mode, str):
            opened(file, _flags(mode))
        return _io_open(*args, **kwargs)

    def open_descriptor(self: Any, path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        if kwargs.get("dir_fd") is None and isinstance(flags, int) and not flags & _DIRECTORY:
            opened(path, flags)
        return _open(path, flags, *args, **kwargs)

    io.open = builtins.open = _patch.standin(builtins.open, open_file, "io")
    os.open = _patch.standin(os.open, open_descriptor, "os")
    for name in ("rename", "replace"):
        _before(os, name, write, range(2))
    for name in ("remove", "unlink", "truncate", "mkdir"):
        _before(os, name, write, range(1))
    for name in ("link", "symlink"):
        _before(os, name, write, range(1, 2))
    inside.on_import("torch.serialization", lambda module: _watch_torch_save(module, write))
    # The package takes its functions over from this module; SQLAlchemy takes them from here, too.
    inside.on_import("sqlite3.dbapi2", lambda module: _before(module, "connect", files.database, range(1)))
    for module in ("safetensors.torch", "safetensors.numpy"):
        inside.on_import(module, lambda found: _before(found, "serialize_file", write, range(1, 2)))
    inside.on_import("safetensors", lambda module: _before(module, "safe_open", read, range(1)))
    inside.on_import("h5py._hl.files", lambda module: _watch_hdf5(module, opened))
    for module, kind in (("lightgbm.basic", "Booster"), ("xgboost.core", "Booster"), ("catboost.core", "CatBoost")):
        inside.on_import(module, lambda found, kind=kind: _watch_booster(getattr(found, kind), write))  # type: ignore[misc]


def _before(module: Any, name: str, tell: Callable[[Any], None], which: range) -> None:
    """Tell the paths among a function's positional arguments before it is called."""

    def told(*args: Any, **kwargs: Any) -> None:
        if not {"dir_fd", "src_dir_fd", "dst_dir_fd"} & kwargs.keys():
            for number in which:
                if number < len(args):
                    tell(args[number])

    if hasattr(module, name):
        _patch.before(module, name, told)


def _watch_torch_save(module: ModuleType, write: Callable[[Any], None]) -> None:
    """torch.save opens the file it is given the name of in C++."""
    kind = module._open_zipfile_writer_file
    real = kind.__init__

    @functools.wraps(real)
    def init(self: Any, name: Any, *args: Any, **kwargs: Any) -> None:
        write(name)
        real(self, name, *args, **kwargs)

    kind.__init__ = init


def _watch_hdf5(module: ModuleType, opened: Callable[[Any, int], None]) -> None:
    """The HDF5 library opens files itself; Keras keeps weights in them."""
    kind: Any = module.File
    real = kind.__init__

    @functools.wraps(real)
    def init(self: Any, name: Any, mode: str = "r", *args: Any, **kwargs: Any) -> None:
        if isinstance(name, (str, bytes, os.PathLike)):
            opened(name, os.O_RDONLY if mode == "r" else os.O_RDWR | os.O_CREAT | (os.O_TRUNC if mode == "w" else 0))
        real(self, name, mode, *args, **kwargs)

    kind.__init__ = init


def _watch_booster(kind: Any, write: Callable[[Any], None]) -> None:
    """LightGBM, XGBoost and CatBoost write models in C++."""
    real = kind.save_model

    @functools.wraps(real)
    def save_model(self: Any, *args: Any, **kwargs: Any) -> Any:
        for name in (*args[:1], kwargs.get("filename"), kwargs.get("fname")):
            if isinstance(name, (str, os.PathLike)):
                write(name)
        return real(self, *args, **kwargs)

    kind.save_model = save_model


def _flags(mode: str) -> int:
    """What `open(…, mode)` asks the system for (io.FileIO)."""
    flags = os.O_RDWR if "+" in mode else os.O_RDONLY if "r" in mode else os.O_WRONLY
    if "w" in mode:
        flags |= os.O_CREAT | os.O_TRUNC
    elif "a" in mode or "x" in mode:
        flags |= os.O_CREAT
    return flags


def _state(path: str) -> dict[str, Any] | None:
    """Size, time of change (ns) and inode of a regular file; None when there is none."""
    import stat

    try:
        found = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return {"size": found.st_size, "mtime": found.st_mtime_ns, "inode": found.st_ino}


def _digest(path: str) -> str | None:
    """xxh3_128 of a file's content; None when it is too large or cannot be read."""
    import xxhash

    try:
        with _io_open(path, "rb", buffering=0) as file:
            if os.fstat(file.fileno()).st_size > _MOST_BYTES:
                return None
            hasher = xxhash.xxh3_128()
            while block := file.read(1 << 20):
                hasher.update(block)
            return hasher.hexdigest()
    except OSError:
        return None


def _now() -> int:
    import time

    return time.time_ns()
