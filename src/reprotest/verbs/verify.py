"""The verb `verify`."""

from __future__ import annotations

import sys

import click

from reprotest.report.output import Output
from reprotest.verbs._shared import greet, outputs, reports


@click.command(
    epilog="""\b
Examples:
  python -m reprotest verify
  python -m reprotest verify digits --json result.json"""
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--timeout", type=float, metavar="SECONDS", help="End a run that takes longer.")
@reports
@outputs
def verify(names: tuple[str, ...], timeout: float | None, json_: str | None, quiet: bool, **forms: str | None) -> int:
    """Check the results that reprotest.lock holds.

    Each experiment is run once: bit for bit on a class of machines that the lock knows, within its tolerances on another one.
    """
    from pathlib import Path

    from reprotest.lock import check, file, readme
    from reprotest.report import locked as presenter
    from reprotest.report import progress
    from reprotest.report.output import console

    output = Output(json_, quiet, **forms)
    output.check()
    lock_file = file.locate(Path.cwd())
    lock = file.read(lock_file)
    greet(output)
    with progress.shown(console(sys.stderr), quiet=quiet) as listen:
        checked = check.verify(lock, lock_file.parent, names, timeout=timeout, on_event=listen)
    state = readme.state(lock_file.parent / "README.md", lock)
    output.result(check.document(checked, readme=state), lock_file.parent)
    if not (quiet and output.piped):
        for line in presenter.lines(checked, readme=state, quiet=quiet):
            click.echo(line, err=output.piped)
    return {"passed": 0, "failed": 1, "error": 3}[check.verdict(checked)]
