"""Calls back right after a named module has been executed, whoever imports it first."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Callback = Callable[[ModuleType], None]


class ImportHooks(MetaPathFinder):
    """A finder that never finds anything itself: it lets the others find the module and wraps the loader for one execution."""

    def __init__(self, on_error: Callable[[str, BaseException], None]) -> None:
        self._pending: dict[str, list[Callback]] = {}
        self._finding: set[str] = set()
        self._on_error = on_error

    def install(self) -> None:
        sys.meta_path.insert(0, self)

    def add(self, name: str, then: Callback) -> None:
        """Call `then(module)` after `name` was executed; at once when it has been already."""
        module = sys.modules.get(name)
        spec = getattr(module, "__spec__", None)
        if module is not None and not getattr(spec, "_initializing", False):
            self._call(name, module, then)
        else:
            self._pending.setdefault(name, []).append(then)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._pending or fullname in self._finding:
            return None
        self._finding.add(fullname)
        try:
            spec = importlib.util.find_spec(fullname) if path is None else self._find(fullname, path, target)
        except (ImportError, AttributeError, ValueError):
            return None
        finally:
            self._finding.discard(fullname)
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return spec
        spec.loader = _OnceLoader(spec.loader, self)
        return spec

    def _find(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(fullname, path, target)
                if spec is not None:
                    return spec
        return None

    def executed(self, name: str, module: ModuleType) -> None:
        for then in self._pending.pop(name, ()):
            self._call(name, sys.modules.get(name, module), then)

    def _call(self, name: str, module: ModuleType, then: Callback) -> None:
        try:
            then(module)
        except Exception as error:  # never into the program's import
            self._on_error(name, error)


class _OnceLoader(Loader):
    """Stands in for the real loader until the module has been executed, then disappears from the module."""

    def __init__(self, loader: Any, hooks: ImportHooks) -> None:
        self._loader = loader
        self._hooks = hooks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec) if hasattr(self._loader, "create_module") else None

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._hooks.executed(module.__name__, module)
