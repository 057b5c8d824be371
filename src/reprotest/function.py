"""Brings a function and its arguments into fresh processes, so that they can be run like any other command."""

from __future__ import annotations

import base64
import functools
import importlib.util
import json
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from reprotest.errors import UsageError

if TYPE_CHECKING:
    from reprotest.run.command import Command

CALLER = Path(__file__).parent / "run" / "call_with.py"
IMPORTING = "REPROTEST_IMPORTING"
"""Set in a fresh process while it imports the function's module."""


@contextmanager
def prepared(function: Callable[..., object], args: Sequence[object]) -> Iterator[Command]:
    """A command that calls the function with these arguments; what it needs on disk is removed in the end.

    Raises:
        UsageError: the function or an argument cannot be brought into another process.
    """
    from reprotest.run.command import Command

    if os.environ.get(IMPORTING):
        raise UsageError(
            "assert_reproducible was called while a fresh process imported the module: it would start processes without end. "
            "Put the call under `if __name__ == '__main__':`, or into a test"
        )
    function, args, keywords = _unwrapped(function, tuple(args))
    job = _described(function) | {"arguments": base64.b64encode(_pickled(args, keywords)).decode(), "path": sys.path}
    folder = Path(tempfile.mkdtemp(prefix="reprotest-"))  # readable by this user alone
    try:
        file = folder / "call.json"
        file.write_text(json.dumps(job))
        shown = f"{job['module']}:{job['name']}"
        yield Command((shown,), (sys.executable, str(CALLER), str(file)), os.getcwd())
    finally:
        for left in folder.iterdir():
            left.unlink()
        folder.rmdir()


def _unwrapped(
    function: Callable[..., object], args: tuple[object, ...]
) -> tuple[Callable[..., object], tuple[object, ...], dict[str, object]]:
    keywords: dict[str, object] = {}
    while isinstance(function, functools.partial):
        args = (*function.args, *args)
        keywords = {**function.keywords, **keywords}
        function = function.func
    return function, args, keywords


def _described(function: Callable[..., object]) -> dict[str, Any]:
    """Where a fresh process finds the function."""
    if not callable(function):
        raise UsageError(f"{function!r} is not a function: give the function itself, and its arguments after it")
    name = getattr(function, "__qualname__", None)
    module_name = getattr(function, "__module__", None)
    if not isinstance(name, str) or not isinstance(module_name, str) or getattr(function, "__self__", None) is not None:
        owner = getattr(function, "__self__", None)
        if not (isinstance(owner, type) and isinstance(name, str) and isinstance(module_name, str)):
            raise UsageError(
                f"{function!r} belongs to an object, which a fresh process does not have: "
                "write a function at the top of a module that makes the object and calls it, and give that one"
            )
    if "<lambda>" in name:
        raise UsageError(
            f"the lambda in {module_name} has no name by which a fresh process could import it: "
            "turn it into a `def` at the top of the module"
        )
    if "<locals>" in name:
        outer, _, inner = name.rpartition(".<locals>.")
        raise UsageError(
            f"{inner} is defined inside {outer}, where a fresh process cannot reach it: move it to the top of {module_name} and "
            "pass what it took from its surroundings as arguments"
        )
    module = sys.modules.get(module_name)
    file = getattr(module, "__file__", None)
    if module is None or (file is None and getattr(module, "__spec__", None) is None):
        raise UsageError(
            f"{name} was defined in an interactive session ({module_name}), which a fresh process cannot import: put it into a file"
        )
    if file is None and module_name == "__main__":
        raise UsageError(f"{name} stands in a program without a file: put it into a file")
    _check_reachable(function, module, name)
    return {"module": module_name, "name": name, "file": os.path.abspath(file) if file else None}


def _check_reachable(function: Callable[..., object], module: ModuleType, name: str) -> None:
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is None:
        raise UsageError(
            f"{module.__name__} has no {name} any more: give a function that stands in its module under its own name"
        )
    if found is not function and getattr(found, "__func__", found) is not getattr(function, "__func__", function):
        raise UsageError(
            f"{module.__name__}.{name} is not the function that was given (decorated without functools.wraps, or replaced): "
            "give the one that stands in the module"
        )


def _pickled(args: tuple[object, ...], keywords: Mapping[str, object]) -> bytes:
    named = {**{f"argument {number}": value for number, value in enumerate(args, start=1)}, **keywords}
    for name, value in named.items():
        try:
            pickle.dumps(value)
        except Exception as error:
            raise UsageError(
                f"{name} ({type(value).__name__}) cannot be brought into a fresh process: {error}. "
                "Make it inside the function, from plain values that are passed"
            ) from error
    return pickle.dumps((args, dict(keywords)))


def load(job: Mapping[str, Any]) -> tuple[Callable[..., object], tuple[object, ...], dict[str, object]]:
    """In the fresh process: import the module, find the function, unpack the arguments."""
    os.environ[IMPORTING] = "1"
    try:
        module = _imported(job["module"], job["file"])
    finally:
        del os.environ[IMPORTING]
    function: Any = module
    for part in job["name"].split("."):
        function = getattr(function, part)
    args, keywords = pickle.loads(base64.b64decode(job["arguments"]))
    return function, args, keywords


def _imported(name: str, file: str | None) -> ModuleType:
    if name != "__main__":
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            spec = None
        if spec is not None and (
            file is None or spec.origin is None or os.path.realpath(spec.origin) == os.path.realpath(file)
        ):
            return importlib.import_module(name)
    if file is None:
        raise ImportError(f"no module {name}")
    # A test module that pytest imported by its path, or the program itself; the latter under the name that
    # multiprocessing gives it too, so that what stands under `if __name__ == "__main__"` is not run again.
    given = "__mp_main__" if name == "__main__" else name
    spec = importlib.util.spec_from_file_location(given, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[given] = module
    if name == "__main__":
        sys.modules["__main__"] = module
    spec.loader.exec_module(module)
    return module
