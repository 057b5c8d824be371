"""The verb `lock`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprotest.report.output import Output
from reprotest.verbs._shared import TakesCommand, exit_code, greet, outputs, parsed

if TYPE_CHECKING:
    from reprotest.lock.file import Lock
    from reprotest.lock.make import Made, Request

SCHEMA = "reprotest.locked/1"


@click.command(
    cls=TakesCommand,
    epilog="""\b
Examples:
  python -m reprotest lock --name digits train.py --epochs 1
  python -m reprotest lock --name digits --tolerance loss=relative:1e-4 train.py --epochs 1
  python -m reprotest lock --add            (on another machine: its results beside the others')
  python -m reprotest lock --readme         (only the README's part about expected results)""",
)
@click.option("--name", help="What the experiment is called.  [the script's name]")
@click.option("--add", is_flag=True, help="Keep the results of other classes of machines, and add this one's.")
@click.option(
    "--tolerance",
    "tolerances",
    multiple=True,
    metavar="[VALUE=]KIND:LIMIT",
    help="For machines of other classes: absolute, relative or ulp; may be repeated.  [relative:0.01]",
)
@click.option("--vary", is_flag=True, help="Find out on which of CPU capability, threads … the result depends.")
@click.option("--readme", is_flag=True, help="Write the expected results into README.md too, and keep them in step.")
@click.option("--runs", type=int, default=2, show_default=True, help="How often the command must repeat.")
@click.option("--steps", type=int, help="Compare only this many optimiser steps, then end the program.")
@click.option("--timeout", type=float, metavar="SECONDS", help="End a run that takes longer.")
@outputs
@click.pass_context
def lock(
    ctx: click.Context,
    name: str | None,
    add: bool,
    tolerances: tuple[str, ...],
    vary: bool,
    readme: bool,
    runs: int,
    steps: int | None,
    timeout: float | None,
    json_: str | None,
    quiet: bool,
) -> int:
    """Run a command and lock its results.

    Its results are written to reprotest.lock, if the runs agree. Without COMMAND, the experiments that the project configures are
    locked, or those that are locked already.
    """
    from reprotest.lock import file
    from reprotest.lock import readme as expected
    from reprotest.lock.make import Request, make
    from reprotest.lock.tolerance import parse_named
    from reprotest.options import RunOptions
    from reprotest.report import progress
    from reprotest.report.output import console
    from reprotest.run.store import Store

    output = Output(json_, quiet)
    output.check()
    words = tuple(ctx.meta["command"])
    here = Path.cwd()
    lock_file = file.locate(here)
    limits = parse_named(tolerances)
    options = RunOptions(runs=runs, steps=steps, timeout=timeout, diagnose=False)
    requests: list[Request] = []
    if words:
        command = parsed(words)
        requests.append(Request(name or _named_after(words), words, command, options, limits, add, vary))
    elif not (readme and not add and name is None):
        requests = _known(name, lock_file, options, limits, add=add, vary=vary)
    greet(output)
    made: list[Made] = []
    for request in requests:
        with progress.shown(console(sys.stderr), quiet=quiet) as listen:
            made.append(make(request, lock_file, listen))
        _show(made[-1], output, lock_file)
        if made[-1].report.interrupted:
            break
    written: Lock = file.read(lock_file)
    page = lock_file.parent / "README.md"
    if written and expected.update(page, written, Store.at(os.fspath(lock_file.parent)).root, create=readme):
        _say(output, f"{page.name}: the expected results are in step with the lock")
    output.document(lambda: _document(made))
    return max((0 if one.locked else exit_code(one.report) for one in made), default=0)


def _named_after(words: tuple[str, ...]) -> str:
    """The script, module, function or program, without what surrounds its name."""
    word = next((word for word in words if word not in ("--", "-m")), "experiment")
    return word.rpartition(":")[2] if ":" in word else Path(word).stem if "/" in word or word.endswith(".py") else word


def _known(
    name: str | None, lock_file: Path, options: Any, limits: dict[str, Any], *, add: bool, vary: bool
) -> list[Request]:
    """The experiments that the project configures or, with `add` or where it configures none, those of the lock."""
    from dataclasses import replace

    from reprotest.config.project import find
    from reprotest.errors import UsageError
    from reprotest.lock import file
    from reprotest.lock.make import Request
    from reprotest.lock.runs import command_of

    locked = file.read(lock_file)
    project = find()
    configured = {e.name: e for e in project.experiments} if project is not None else {}
    found = {}
    for known in locked if add or not configured else configured:
        if known in locked and (add or known not in configured):
            one = locked[known]
            command = command_of(known, one, lock_file.parent)
            found[known] = Request(known, one.command, command, replace(options, steps=one.steps), limits, add, vary)
        elif project is not None:
            experiment = configured[known]
            command = parsed(experiment.words, project.root)
            own = replace(options, steps=options.steps or experiment.options.steps)
            found[known] = Request(known, experiment.words, command, own, limits, add, vary)
    if name is not None and name not in found:
        raise UsageError(f"no experiment {name!r} is configured or locked here: give its command after --name {name}")
    if not found:
        raise UsageError(
            "no command to lock, and no experiment is configured here: expected a script, -m MODULE or the like"
        )
    return [found[name]] if name is not None else list(found.values())


def _say(output: Output, line: str) -> None:
    if not output.quiet:
        click.echo(line, err=output.json == "-")


def _show(made: Made, output: Output, lock_file: Path) -> None:
    from reprotest.report import words

    if made.locked is None:
        output.show(made.report, title=made.name)
        if not output.quiet:
            click.echo(f"{made.name}: not locked", err=True)
        return
    result = made.locked.classes
    _say(output, f"{made.name}: {_STATES[made.state]} in {os.path.relpath(lock_file)} ({made.class_name})")
    for note in made.notes:
        _say(output, f"  {note}")
    if made.state == "new" and len(result) == 1:
        shown = [f"{k} {v:.6g}" for k, v in list(result[0].outcome.values.items())[:6]]
        _say(output, f"  {words.count(result[0].outcome.steps, 'step')}, {', '.join(shown) or 'no numbers'}")


_STATES = {"new": "locked", "unchanged": "unchanged", "changed": "locked anew, with other results", "added": "added"}


def _document(made: list[Made]) -> dict[str, Any]:
    from reprotest.report.json import document

    refused = [one for one in made if one.locked is None]
    verdict = "locked" if not refused else "refused"
    return {
        "schema": SCHEMA,
        "verdict": verdict,
        "experiments": {
            one.name: {
                "state": one.state,
                "class": one.class_name or None,
                "depends_on": list(one.locked.depends_on) if one.locked else [],
                "independent_of": list(one.locked.independent_of) if one.locked else [],
                "notes": one.notes,
                "run": document(one.report),
            }
            for one in made
        },
    }
