"""The verb `fleet`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from reprotest.report.output import Output
from reprotest.verbs._shared import TakesCommand, greet, outputs, parsed, reports


@click.command(
    cls=TakesCommand,
    epilog="""\b
Examples:
  python -m reprotest fleet --dask tcp://scheduler:8786 train.py --epochs 1
  python -m reprotest fleet --workers 3 train.py          (a local cluster, for a try)""",
)
@click.option(
    "--dask", metavar="ADDRESS", help="The scheduler (tcp://host:8786), its scheduler file, or local.  [local]"
)
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Of a local cluster.")
@click.option("--steps", type=int, help="Compare only this many optimiser steps, then end the program.")
@click.option("--timeout", type=float, metavar="SECONDS", help="End a run that takes longer; do without its host.")
@reports
@outputs
@click.pass_context
def fleet(
    ctx: click.Context,
    /,
    dask: str | None,
    workers: int,
    steps: int | None,
    timeout: float | None,
    json_: str | None,
    quiet: bool,
    **forms: str | None,
) -> int:
    """Run a command once on every host of a Dask cluster.

    Hosts with the same result, bit for bit, form a group; groups are explained by what differs between their hosts. A host that is
    lost or late is reported, and the others' results stand.
    """
    from reprotest.fleet import cluster, once, report
    from reprotest.fleet.bring import members
    from reprotest.fleet.crew import Answer
    from reprotest.fleet.groups import grouped
    from reprotest.run.store import Store

    output = Output(json_, quiet, **forms)
    output.check()
    words = tuple(ctx.meta["command"])
    command = parsed(words)
    greet(output)
    start = time.monotonic()
    job = {"fleet": once.new_name(), "words": list(words), "cwd": command.cwd, "steps": steps, "timeout": timeout}

    def told(answer: Answer) -> None:
        if not quiet:
            click.echo(f"{answer.target.name}: {answer.status}", err=True)

    with cluster.connected(dask, workers) as client:
        answers = once.gather(client, cluster.targets(client), job, told)
    found = members(answers, Store.at(command.cwd))
    made = report.FleetReport(words, answers, grouped(found, Path(command.cwd)), time.monotonic() - start)
    output.result(made.to_json())
    if not (quiet and output.piped):
        for line in report.lines(made, quiet=quiet):
            click.echo(line, err=output.piped)
    return {"identical": 0, "different": 1}.get(made.verdict, 3)
