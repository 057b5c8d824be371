"""The Python interface: `run` for a command, `assert_reproducible` for a function, `observe` inside of a program."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from reprotest.errors import CommandFailed, NotReproducible, UsageError
from reprotest.options import BASE_SEED, OnEvent, RunOptions, ignore
from reprotest.result import RunReport, Verdict

if TYPE_CHECKING:
    from reprotest.run.command import Command
    from reprotest.vary.options import VaryOptions
    from reprotest.vary.result import VaryReport


def run(
    command: str | Sequence[str],
    *,
    runs: int = 2,
    steps: int | None = None,
    timeout: float | None = None,
    diagnose: bool = True,
    keep: bool = False,
    seed: int = BASE_SEED,
    on_event: OnEvent = ignore,
) -> RunReport:
    """Run a command several times, compare the runs and, when they differ, find the cause. As `python -m reprotest run`.

    Args:
        command: a script with its arguments, `-m module …`, `package.module:function`, or any program after `--`;
            one string (split as a shell would) or a list of words.
        runs: how often it is run before anything is concluded (at least 2).
        steps: compare only this many optimiser steps.
        timeout: seconds that one run may take.
        diagnose: on a difference, look for the cause by experiment.
        keep: keep the records of the experiments too.
        seed: base seed of the values to which experiments pin factors.
        on_event: told about progress (see `reprotest.options`).

    Returns:
        The result. A command that fails by itself is a result too (`Verdict.ERROR`), not an exception.

    Raises:
        UsageError: the command cannot be started, or an option is out of its range.
    """
    from reprotest.run.command import parse_command

    options = RunOptions(runs=runs, steps=steps, timeout=timeout, diagnose=diagnose, keep=keep, seed=seed)
    try:
        words = shlex.split(command) if isinstance(command, str) else [os.fspath(word) for word in command]
    except ValueError as error:
        raise UsageError(
            f"cannot split {command!r} into words: {error}; quote it as in a shell, or give a list"
        ) from error
    program = words[:1] == ["--"]
    return session(parse_command(words[1:] if program else words, program=program), options, on_event)


def session(command: Command, options: RunOptions, on_event: OnEvent = ignore) -> RunReport:
    """The whole course for one parsed command: repeat, compare, locate, experiment."""
    _check_can_run()
    from reprotest.diagnose.session import run_session

    return run_session(command, options, on_event)


def session_on(
    address: str, words: Sequence[str], command: Command, options: RunOptions, on_event: OnEvent = ignore
) -> RunReport:
    """The same on the workers of a Dask cluster.

    Args:
        address: of its scheduler ("tcp://host:8786"), its scheduler file, or "local" for a cluster that is started here.
        words: the command, a leading "--" included.
        command: the same, parsed here.
        options, on_event: as for `session`.
    """
    _check_can_run()
    from reprotest.factors.threads_count import usable_cores
    from reprotest.fleet.cluster import connected
    from reprotest.fleet.session import run_session

    with connected(address, min(options.runs, usable_cores())) as client:
        return run_session(client, words, command, options, on_event)


def vary_session_on(
    address: str, words: Sequence[str], command: Command, options: VaryOptions, on_event: OnEvent = ignore
) -> VaryReport:
    """The course of `vary` on the workers of a Dask cluster; the arguments are those of `session_on`."""
    _check_can_run()
    from reprotest.factors.threads_count import usable_cores
    from reprotest.fleet import varying
    from reprotest.fleet.cluster import connected

    with connected(address, min(_MOST_LOCAL, usable_cores())) as client:
        return varying.vary_session(client, words, command, options, on_event)


_MOST_LOCAL = 4
"""Workers of a local cluster: variations of the number of threads want processors, too."""


def vary_session(command: Command, options: VaryOptions, on_event: OnEvent = ignore) -> VaryReport:
    """The whole course of `vary` for one parsed command."""
    _check_can_run()
    from reprotest.vary import session as varying

    return varying.vary_session(command, options, on_event)


def _check_can_run() -> None:
    if sys.platform != "linux":
        raise UsageError(f"reprotest runs commands on Linux only, and this is {sys.platform}: use a container")
    if _child() is not None:
        raise UsageError(
            "this process is itself part of a run that reprotest observes, and would start another one without end: "
            "put the call under `if __name__ == '__main__':`, or in another file than the one that is run"
        )


def assert_reproducible(
    function: Callable[..., object],
    /,
    *args: object,
    runs: int = 2,
    steps: int | None = None,
    timeout: float | None = None,
    diagnose: bool = True,
    seed: int = BASE_SEED,
) -> RunReport:
    """Call a function in several fresh processes and fail unless all of them compute the same, bit for bit.

    Compared are what the function returns, and all that it trains or observes on its way. Every process imports the function's
    module anew, so the function must stand at the top of a module (or in a class there); lambdas and functions inside functions
    cannot be reached. Arguments are pickled; for keyword arguments use `functools.partial(function, key=value)`.

    Args:
        function: what to call.
        *args: its positional arguments.
        runs, steps, timeout, diagnose, seed: as for `run`.

    Returns:
        The result, when all runs agree.

    Raises:
        NotReproducible: they differ. An AssertionError; its message names the first difference and the cause.
        CommandFailed: the function raised an exception.
        UsageError: the function or an argument cannot be brought into another process, or there was nothing to compare.
    """
    from reprotest import function as functions
    from reprotest.report import plain

    options = RunOptions(runs=runs, steps=steps, timeout=timeout, diagnose=diagnose, seed=seed)
    with functions.prepared(function, args) as command:
        report = session(command, options)
        if report.interrupted:
            raise KeyboardInterrupt
        if report.verdict is Verdict.ERROR:
            raise CommandFailed(plain.failure(report), report)
        if report.verdict is Verdict.DIFFERENT:
            raise NotReproducible(plain.message(report), report)
        if not plain.compared_anything(report):
            raise UsageError(
                f"{report.command[0]} left nothing to compare: it returned None and trained nothing that was seen. "
                "Return the result, or call reprotest.observe(name, value) inside"
            )
        return report


def observe(name: str, value: Any) -> None:
    """Have a value compared between runs: a metric, an array, a model's output. Outside of a run it does nothing.

    Args:
        name: what it is; may be used again and again (values of one name are compared in their order).
        value: a number, string, array, tensor, estimator, or a list, tuple or mapping of such. Not changed, not kept.
    """
    child = _child()
    writer = child.writer() if child is not None else None
    if writer is None:
        return
    from reprotest.record.event import Phase

    child.part()  # what the step under way has left so far belongs to that step
    child.observe(name, Phase.METRIC, value, location=child.site(2))
    child.commit(child.occurrence(name))


def observe_result(function: Callable[..., object], value: object) -> None:
    """Have what a function returned compared between runs. None says nothing and is left out."""
    child = _child()
    if child is None or value is None:
        return
    from reprotest.record.event import Phase

    code = getattr(function, "__code__", None)
    shown = child.shown(code) if code is not None else None
    location = f"{shown}:{code.co_firstlineno}" if code is not None and shown is not None else None
    child.observe("return value", Phase.OUTPUT, value, location=location)
    child.commit()


def _child() -> Any:
    """The probe of this process; None outside of a run."""
    return getattr(sys.modules.get("reprotest.probe.child"), "current", None)
