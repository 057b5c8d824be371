"""The verb `vary`."""

from __future__ import annotations

import sys

import click

from reprotest.report.output import Output
from reprotest.verbs._shared import INTERRUPTED, TakesCommand, greet, on_cluster, outputs, parsed, reports


@click.command(
    cls=TakesCommand,
    epilog="""\b
Examples:
  python -m reprotest vary train.py --epochs 1
  python -m reprotest vary --steps 50 --budget 5 -m package.train
  python -m reprotest vary --vary=-torch.kernels,-locale train.py
  python -m reprotest vary --vary=+threads.count,+cpu.isa --plot sensitivity.svg train.py
  python -m reprotest vary --dask tcp://scheduler:8786 train.py""",
)
@click.option(
    "--vary",
    "select",
    multiple=True,
    metavar="LIST",
    help="Which factors: -NAME leaves one out, +NAME tries only those named; names as in the table, with commas.  [all]",
)
@click.option("--budget", type=float, metavar="MINUTES", help="Begin no other run after so many minutes.")
@click.option("--runs", type=int, default=2, show_default=True, help="How often it must repeat before it is varied.")
@click.option("--steps", type=int, help="Look at this many optimiser steps only, then end the program.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Give up a run that takes longer.")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Base seed of the values at which factors are held."
)
@click.option("--fresh", is_flag=True, help="Do not go on from where an interrupted call stopped.")
@click.option("--seeds", is_flag=True, help="Also try other seeds where the program sets them itself.")
@click.option("--plot", metavar="FILE", help="Draw the table: .svg, .png or .pdf (needs matplotlib).")
@on_cluster
@reports
@outputs
@click.pass_context
def vary(
    ctx: click.Context,
    /,
    select: tuple[str, ...],
    budget: float | None,
    runs: int,
    steps: int | None,
    timeout: float | None,
    seed: int,
    fresh: bool,
    seeds: bool,
    plot: str | None,
    dask: str | None,
    json_: str | None,
    quiet: bool,
    **forms: str | None,
) -> int:
    """Vary threads, processor and the like: what changes a result?

    COMMAND is run with everything held still, then with one factor after the other at another value; what changes the result is
    told with where first, and by how much. What the runs write is put back as it was. Stopped by Ctrl-C, the same call goes on later.
    """
    from reprotest import api
    from reprotest.report import progress, sensitivity
    from reprotest.report.output import console
    from reprotest.vary.options import VaryOptions
    from reprotest.vary.result import Verdict

    options = VaryOptions(runs, steps, timeout, seed, budget, select, fresh, seeds)
    output = Output(json_, quiet, **forms)
    output.check()
    sensitivity.check_plot(plot)
    greet(output)
    words = ctx.meta["command"]
    command = parsed(words)
    with progress.shown(console(sys.stderr), quiet=quiet) as listen:
        if dask is not None:
            report = api.vary_session_on(dask, words, command, options, listen)
        else:
            report = api.vary_session(command, options, listen)
    output.result(sensitivity.document(report))
    sensitivity.show(report, output, plot=plot)
    if report.interrupted:
        return INTERRUPTED
    return {Verdict.INSENSITIVE: 0, Verdict.SENSITIVE: 1, Verdict.UNSTABLE: 1, Verdict.ERROR: 3}[report.verdict]
