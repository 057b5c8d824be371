"""The Python files of a repository as modules that name each other."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(eq=False)
class Module:
    """One file.

    Attributes:
        file: its path in the repository, with slashes.
        tree: its syntax tree.
    """

    file: str
    tree: ast.Module

    @property
    def folder(self) -> str:
        return _folder(self.file)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def calls(self) -> tuple[ast.Call, ...]:
        return tuple(node for node in self.nodes if isinstance(node, ast.Call))

    @cached_property
    def imported(self) -> dict[str, str]:
        """Names that imports of other packages give → the dotted names of what they stand for."""
        known: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    first = alias.name.partition(".")[0]
                    known[alias.asname or first] = alias.name if alias.asname else first
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        return known

    def dotted(self, node: ast.expr) -> str:
        """The dotted name of something imported, as its home calls it."""
        first, dot, rest = ast.unparse(node).partition(".")
        return self.imported.get(first, first) + dot + rest


@dataclass
class Modules:
    """All modules that could be read.

    Attributes:
        by_file: path → module.
        broken: path → (line, why) of files that are no Python of this version.
    """

    by_file: dict[str, Module] = field(default_factory=dict)
    broken: dict[str, tuple[int, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, sources: Mapping[str, str]) -> Modules:
        """From path → source text."""
        modules = cls()
        for file, text in sources.items():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of another's invalid escapes
                    modules.by_file[file] = Module(file, ast.parse(text))
            except SyntaxError as error:
                modules.broken[file] = (error.lineno or 1, error.msg)
            except (ValueError, RecursionError, MemoryError) as error:
                modules.broken[file] = (1, str(error) or type(error).__name__)
        return modules

    @cached_property
    def argument_defaults(self) -> dict[str, Any]:
        """`--name` → its default, where every parser of the project that has the argument agrees and it is not None."""
        found: dict[str, list[Any]] = {}
        for module in self.by_file.values():
            for node in module.calls:
                if isinstance(node.func, ast.Attribute) and node.func.attr in ("add_argument", "add_option"):
                    names = [
                        a.value for a in node.args if isinstance(a, ast.Constant) and str(a.value).startswith("--")
                    ]
                    default = next((k.value for k in node.keywords if k.arg == "default"), None)
                    if names:
                        value = default.value if isinstance(default, ast.Constant) else None
                        found.setdefault(str(names[0])[2:].replace("-", "_"), []).append(value)
        return {
            name: values[0]
            for name, values in found.items()
            if len(set(map(repr, values))) == 1 and values[0] is not None
        }

    def find(self, name: str, roots: Iterable[str]) -> Module | None:
        """The module of a dotted name, looked for in these folders, in this order, as `sys.path` would be."""
        path = name.replace(".", "/")
        for root in roots:
            stem = f"{root}/{path}" if root else path
            for file in (f"{stem}/__init__.py", f"{stem}.py"):
                if file in self.by_file:
                    return self.by_file[file]
        return None

    def relative(self, near: Module, level: int, name: str) -> Module | None:
        """The module of `from ..name import`, as seen from `near`."""
        folder = near.folder
        for _ in range(level - 1):
            folder = _folder(folder)
        return self.find(name, [folder]) if name else self.by_file.get(f"{folder}/__init__.py".lstrip("/"))


def imported_packages(modules: Iterable[Module]) -> dict[str, tuple[str, int]]:
    """Top-level package → the first place that imports it."""
    found: dict[str, tuple[str, int]] = {}
    for module in modules:
        for node in module.nodes:
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            else:
                continue
            for name in names:
                found.setdefault(name.partition(".")[0], (module.file, node.lineno))
    return found


def _folder(path: str) -> str:
    parent = str(PurePosixPath(path).parent)
    return "" if parent == "." else parent
