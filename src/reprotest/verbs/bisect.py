"""The verb `bisect`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from reprotest.report.output import Output
from reprotest.verbs._shared import TakesCommand, greet, outputs, reports

SCHEMA = "reprotest.bisect/1"


@click.command(
    cls=TakesCommand,
    epilog="""\b
Examples:
  python -m reprotest bisect --good v1.2 train.py --epochs 1
  python -m reprotest bisect --good HEAD~20 --bad HEAD~2 --steps 10 -m package.train""",
)
@click.option("--good", required=True, metavar="COMMIT", help="A commit with the right numbers.")
@click.option("--bad", default="HEAD", show_default=True, metavar="COMMIT", help="A later one with others.")
@click.option("--steps", type=int, help="Compare only this many optimiser steps.")
@click.option("--timeout", type=float, metavar="SECONDS", help="End a run that takes longer.")
@reports
@outputs
@click.pass_context
def bisect(
    ctx: click.Context,
    /,
    good: str,
    bad: str,
    steps: int | None,
    timeout: float | None,
    json_: str | None,
    quiet: bool,
    **forms: str | None,
) -> int:
    """Find the commit that changed the numbers.

    The command is run at commits between the two, each in a checkout of its own below .reprotest/; the working folder and its
    repository stay as they are.
    """
    from reprotest.across.bisect import bisect as search
    from reprotest.across.revisions import Repository, Revisions
    from reprotest.errors import UsageError
    from reprotest.report import compared, progress
    from reprotest.report.output import console
    from reprotest.run.store import Store

    output = Output(json_, quiet, **forms)
    output.check()
    words = tuple(ctx.meta["command"])
    if not [word for word in words if word != "--"]:
        raise UsageError("no command to run: expected a script, -m MODULE or the like after the options")
    greet(output)
    store = Store.at(str(Path.cwd()))
    repository = Repository(Path.cwd(), store)
    first, last = repository.commit(good), repository.commit(bad)
    commits = repository.between(first, last)

    def say(line: str) -> None:
        click.echo(line, err=output.piped)

    def told(commit: str, what: str) -> None:
        if not quiet:
            say(f"{repository.title(commit)}: {_TOLD[what]}")

    with progress.shown(console(sys.stderr), quiet=True) as listen:
        revisions = Revisions(repository, words, store, listen, steps, timeout)
        try:
            found = search(revisions, first, commits, told)
        finally:
            revisions.clean()
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "verdict": found.verdict,
        "good": first,
        "bad": last,
        "commit": found.commit,
        "title": repository.title(found.commit) if found.commit else None,
        "candidates": found.candidates,
        "first_difference": found.difference.to_json() if found.difference else None,
        "tried": [{"commit": commit, "result": what} for commit, what in found.tried],
    }
    output.result(document)
    if not (quiet and output.piped):
        for line in compared.bisection(found, repository.title):
            say(line)
    return {"found": 1, "identical": 0, "unstable": 1}.get(found.verdict, 3)


_TOLD = {"same": "the same numbers", "changed": "other numbers", "skipped": "cannot be run"}
