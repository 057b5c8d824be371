"""Callbacks after an import, without the program noticing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reprotest.probe.imports import ImportHooks


@pytest.fixture
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ImportHooks, list[str]]]:
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "hooked_package"
    package.mkdir()
    (package / "__init__.py").write_text("value = 1\n")
    (package / "inner.py").write_text("from . import value\nvalue += 1\n")
    (tmp_path / "hooked_broken.py").write_text("raise RuntimeError('on purpose')\n")
    errors: list[str] = []
    hooks = ImportHooks(lambda name, error: errors.append(f"{name}: {error}"))
    hooks.install()
    yield hooks, errors
    sys.meta_path.remove(hooks)
    for name in [n for n in sys.modules if n.startswith("hooked_")]:
        del sys.modules[name]


def test_the_callback_comes_after_the_module_and_only_once(hooks: tuple[ImportHooks, list[str]]) -> None:
    seen: list[int] = []
    hooks[0].add("hooked_package.inner", lambda module: seen.append(module.value))
    importlib.import_module("hooked_package")
    assert seen == []
    module = importlib.import_module("hooked_package.inner")
    importlib.reload(module)
    assert seen == [2]


def test_the_module_keeps_its_own_loader(hooks: tuple[ImportHooks, list[str]]) -> None:
    hooks[0].add("hooked_package", lambda module: None)
    module = importlib.import_module("hooked_package")
    assert type(module.__loader__).__name__ == "SourceFileLoader"
    assert type(module.__spec__.loader).__name__ == "SourceFileLoader"


def test_an_imported_module_is_called_back_at_once(hooks: tuple[ImportHooks, list[str]]) -> None:
    seen: list[str] = []
    hooks[0].add("json", lambda module: seen.append(module.__name__))
    assert seen == ["json"]


def test_a_missing_or_broken_module_fails_as_without_us(hooks: tuple[ImportHooks, list[str]]) -> None:
    hooks[0].add("hooked_missing", lambda module: None)
    hooks[0].add("hooked_broken", lambda module: None)
    with pytest.raises(ModuleNotFoundError, match="hooked_missing"):
        importlib.import_module("hooked_missing")
    with pytest.raises(RuntimeError, match="on purpose"):
        importlib.import_module("hooked_broken")


def test_an_error_in_a_callback_does_not_reach_the_import(hooks: tuple[ImportHooks, list[str]]) -> None:
    hooks[0].add("hooked_package", lambda module: 1 // 0)  # type: ignore[arg-type, return-value]
    assert importlib.import_module("hooked_package").value == 1
    assert hooks[1] == ["hooked_package: integer division or modulo by zero"]
