"""The order in which the file system lists names."""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any, TypeVar

from reprotest.factors import _patch
from reprotest.factors.base import Factor, Inside, Json

T = TypeVar("T")


class FileOrder(Factor):
    """Python lists directories through `os.listdir` and `os.scandir` alone: glob, os.walk, pathlib and shutil are built on them.

    POSIX leaves the order open (readdir(3)): ext4 sorts by a hash of the name, tmpfs by creation, others otherwise. Listings made in native
    code (Arrow, a shell) are not reached.
    """

    id = "file.order"
    what = "the order in which the file system lists names"
    fix = "sort the listing: sorted(os.listdir(folder)), sorted(glob.glob(pattern)), sorted(path.iterdir())"
    repeats = True
    order = 40

    def read(self) -> Mapping[str, Json]:
        """Type of the file system of the working directory."""
        return {"filesystem": _filesystem(os.getcwd())}

    def perturb(self, k: int) -> str | None:
        return f"names shuffled with seed {k}" if k else "names sorted"

    def watch(self, inside: Inside) -> None:
        setting = inside.setting(self.id)
        real_listdir, real_scandir = os.listdir, os.scandir

        def arranged(names: list[T], key: Callable[[T], Any], site: str | None) -> list[T]:
            assert setting is not None
            return arrange(names, key, setting.variant_at(site))

        def listdir(self: Any, path: Any = None) -> list[Any]:
            names = real_listdir(path)
            if len(names) < 2:
                return names
            site = inside.site()
            if site is not None:
                inside.used(FileOrder.id, site)
            return names if setting is None else arranged(names, _same, site)

        def scandir(self: Any, path: Any = None) -> Any:
            entries = real_scandir(path)
            if _only_removes(sys._getframe(1)):
                return entries
            site = inside.site()
            if site is not None:
                inside.used(FileOrder.id, site)
            return entries if setting is None else Entries(entries, lambda found: arranged(found, _name, site))

        _patch.replace(os, "listdir", listdir)
        _patch.replace(os, "scandir", scandir)


class Entries(Iterator["os.DirEntry[Any]"]):
    """What `os.scandir` returns, in another order. The directory is read when the first entry is asked for."""

    def __init__(self, real: Any, arrange: Callable[[list[Any]], list[Any]]) -> None:
        self._real = real
        self._arrange = arrange
        self._left: Iterator[Any] | None = None

    def __next__(self) -> os.DirEntry[Any]:
        if self._left is None:
            self._left = iter(self._arrange(list(self._real)))
        return next(self._left)

    def __enter__(self) -> Entries:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._left = iter(())
        self._real.close()


def arrange(items: list[T], key: Callable[[T], Any], variant: int) -> list[T]:
    """The items sorted (variant 0), or in the k-th other order: by a hash of name and k, so that one folder is always the same.

    No other order is the sorted one, nor, from three names on, the sorted one backwards: so tmpfs lists what was made in order.

    Args:
        key: gives the name, str or bytes.
    """
    items = sorted(items, key=key)
    if not variant or len(items) < 2:
        return items
    start = zlib.crc32(variant.to_bytes(8, "big"))
    shuffled = sorted(items, key=lambda item: (zlib.crc32(os.fsencode(key(item)), start), key(item)))
    if shuffled in (items, items[::-1]):
        return [*items[1:], items[0]]
    return shuffled


def _only_removes(caller: FrameType) -> bool:
    """Is it shutil.rmtree, to which no order matters? Worker processes end with one."""
    return caller.f_code.co_name.startswith("_rmtree") and caller.f_globals.get("__name__") == "shutil"


def _same(name: T) -> T:
    return name


def _name(entry: Any) -> Any:
    return entry.name


def _filesystem(path: str) -> str | None:
    """Type of the file system that holds `path`, by the longest mount point above it; None where that cannot be told."""
    best: Sequence[str] = ("", "")
    try:
        with open("/proc/self/mounts") as file:
            for line in file:
                _, mount, kind, *_ = line.split()
                mount = mount.encode().decode("unicode_escape")
                inside = path == mount or path.startswith(mount.rstrip("/") + "/")
                if inside and len(mount) >= len(best[0]):
                    best = (mount, kind)
    except (OSError, ValueError):
        return None
    return best[1] or None
