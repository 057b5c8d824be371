"""Runs the program once, unseen, before it is run and observed: does what a run leaves in its process change the next one there?

So a sweep, a notebook or a service differs from a script: modules stay imported with what was put into them, registries and caches
are filled, settings stay set. What begins anew with every process begins anew here too: random generators, the program's variables,
arguments, environment variables, working directory, and the numbers by which threads and processes are named.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import itertools
import os
import runpy
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from reprotest.factors import all_factors

if TYPE_CHECKING:
    from reprotest.probe.child import Child

VARIABLE = "REPROTEST_REHEARSE"
"""Environment variable that asks for a rehearsal."""
_STARTS = ("cpython.run_file", "cpython.run_module")
_CALLER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "run", "call.py")


def install(child: Child) -> None:
    """Rehearse, if the environment asks for it, the script, module or function of the user's that this process is to run."""
    if os.environ.pop(VARIABLE, None) is None or child.process_key != "main":
        return
    rehearsal = _Rehearsal(child)

    def starting(event: str, args: tuple[Any, ...]) -> None:
        if event in _STARTS and not rehearsal.done:
            rehearsal.done = True
            program = _program(child, event, str(args[0]))
            if program is not None:
                rehearsal.carry_out(program)

    sys.addaudithook(starting)  # it is told right before the program's first line, when the import path is complete


class _Rehearsal:
    def __init__(self, child: Child) -> None:
        self.done = False
        self._child = child
        self._states: dict[str, Any] = {}
        for factor in all_factors():
            for module in factor.reaches or ("random",):
                child.on_import(module, lambda _, factor=factor: self._remember(factor))  # type: ignore[misc]

    def _remember(self, factor: Any) -> None:
        """The state of generators that have just been made."""
        state = factor.state()
        if state is not None:
            self._states.setdefault(factor.id, state)

    def carry_out(self, program: Callable[[], Any]) -> None:
        """Run it, and let all begin anew. What makes it fail makes the process fail."""
        child = self._child
        if child.plan.stop_after_step is not None:
            raise SystemExit("a run that is to be repeated in its process must go to its end: leave out --steps")
        with _unheard(), _put_back(), child.silent():
            program()
        keras: Any = sys.modules.get("keras")
        if hasattr(keras, "utils"):
            keras.utils.clear_session()  # else its layers go on counting, and are called otherwise
        gc.collect()
        for factor in all_factors():
            if factor.id in self._states:
                factor.restore(self._states[factor.id])


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Output goes nowhere; leaving with success is not the end."""
    kept = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    leave, own = os._exit, os.getpid()

    def _exit(status: int) -> Any:
        if os.getpid() != own:
            leave(status)
        raise SystemExit(status)

    sys.stdout.flush()
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os._exit = _exit
    try:
        yield
    except SystemExit as end:
        if end.code not in (None, 0):
            raise
    finally:
        os._exit = leave
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for descriptor, before in enumerate(kept, start=1):
            os.dup2(before, descriptor)
            os.close(before)
        os.close(nowhere)


@contextlib.contextmanager
def _put_back() -> Iterator[None]:
    """What belongs to a process's start is as it was."""
    argv, path, cwd, environment = list(sys.argv), list(sys.path), os.getcwd(), dict(os.environ)
    try:
        yield
    finally:
        sys.argv[:], sys.path[:] = argv, path
        os.chdir(cwd)
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
        threading._counter = itertools.count(1).__next__  # type: ignore[attr-defined]
        processes: Any = sys.modules.get("multiprocessing.process")
        if processes is not None:
            processes._process_counter = itertools.count(1)


def _program(child: Child, event: str, name: str) -> Callable[[], Any] | None:
    """What runs the program as the interpreter will; None where it is not the user's."""
    if event == _STARTS[0]:
        if os.path.abspath(name) != _CALLER and not child.is_users(os.path.abspath(name)):
            return None
        return lambda: runpy.run_path(name, run_name="__main__")
    if name == "__main__":  # a folder or an archive
        folder = sys.argv[0]
        return lambda: runpy.run_path(folder, run_name="__main__")
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = importlib.util.find_spec(f"{name}.__main__")
    if spec is None or spec.origin is None or not child.is_users(spec.origin):
        return None
    return lambda: runpy.run_module(name, run_name="__main__", alter_sys=True)
