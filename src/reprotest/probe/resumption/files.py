"""Checkpoints as files that the program writes and reads by the usual functions: how many it has saved, and which it loads."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from reprotest.probe.resumption.moments import Moments

if TYPE_CHECKING:
    from reprotest.probe.child import Child

_FUNCTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "numpy": (("save", "savez", "savez_compressed", "savetxt"), ("load", "loadtxt")),
    "pickle": (("dump",), ("load",)),
    "joblib": (("dump",), ("load",)),
    "json": (("dump",), ("load",)),
    "torch": (("save",), ("load",)),
    "safetensors.torch": (("save_file",), ("load_file",)),
    "safetensors.numpy": (("save_file",), ("load_file",)),
    "keras.src.saving.saving_api": (("save_model", "save_weights"), ("load_model", "load_weights")),
}
"""Module → functions that save, functions that load."""
_UNSEEN = ("json",)
"""Modules of which what is saved is no event to compare."""


class Files:
    """Watches them in one process.

    Args:
        child, moments: of this process.
        saved: called after each file that was saved, with the number of files so far, and whether its content was recorded.
        loaded: called after one of the checkpoint's files (`order["files"]`) was read.
    """

    def __init__(
        self, child: Child, moments: Moments, saved: Callable[[int, bool], None], loaded: Callable[[], None]
    ) -> None:
        self._child = child
        self._moments = moments
        self._saved = saved
        self._loaded = loaded
        self._inside = False
        self._paths: dict[str, None] = {}
        self._wanted = frozenset(moments.order.get("files", ()))
        self.count = 0

    def install(self) -> None:
        for module, (saving, loading) in _FUNCTIONS.items():
            self._child.on_import(module, functools.partial(self._observe, saving, loading))
        self._moments.at_end(self._write)

    def _observe(self, saving: tuple[str, ...], loading: tuple[str, ...], module: ModuleType) -> None:
        recorded = module.__name__ not in _UNSEEN
        for name in saving:
            self._replace(module, name, lambda paths, recorded=recorded: self._on_saved(paths, recorded))  # type: ignore[misc]
        for name in loading:
            self._replace(module, name, self._on_loaded)

    def _replace(self, module: ModuleType, name: str, then: Callable[[list[str]], None]) -> None:
        original = getattr(module, name)

        @functools.wraps(original)
        def observed(*args: Any, **kwargs: Any) -> Any:
            with self._outermost() as mine:
                result = original(*args, **kwargs)
            if mine and self._moments.counts:
                self._moments.guarded("the program's checkpoint", lambda: then(_paths(args, kwargs)))
            return result

        setattr(module, name, observed)

    @contextmanager
    def _outermost(self) -> Iterator[bool]:
        mine, self._inside = not self._inside, True
        try:
            yield mine
        finally:
            self._inside = not mine

    def _on_saved(self, paths: list[str], recorded: bool) -> None:
        self.count += 1
        self._paths |= dict.fromkeys(paths)
        self._saved(self.count, recorded)

    def _on_loaded(self, paths: list[str]) -> None:
        if self._wanted.intersection(paths):
            self._loaded()

    def _write(self) -> None:
        self._moments.log["saves"] = self.count
        self._moments.log["saved"] = list(self._paths)


def _paths(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """The files among the arguments, by names that do not depend on whether NumPy has added its ending."""
    found = []
    for value in (*args, *kwargs.values()):
        name = value if isinstance(value, (str, os.PathLike)) else getattr(value, "name", None)
        if isinstance(name, (str, os.PathLike)) and "\n" not in os.fspath(name):
            path = os.path.realpath(os.fsdecode(name))
            found.append(path.removesuffix(".npz").removesuffix(".npy"))
    return found
