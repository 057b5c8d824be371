"""The verb `run`."""

from __future__ import annotations

import click

from reprotest.report.output import Output
from reprotest.verbs._shared import (
    TakesCommand,
    exit_code,
    explain_refusal,
    greet,
    logged,
    on_cluster,
    outputs,
    parsed,
    reports,
    session,
)


@click.command(
    cls=TakesCommand,
    epilog="""\b
Examples:
  python -m reprotest run train.py --epochs 1
  python -m reprotest run --runs 5 -m package.train
  python -m reprotest run package.train:main
  python -m reprotest run --html report.html --junit report.xml train.py
  python -m reprotest run --steps 100 -- torchrun --nproc-per-node 2 train.py
  python -m reprotest run --dask tcp://scheduler:8786 train.py""",
)
@click.option("--runs", type=int, default=2, show_default=True, help="How often the command is run.")
@click.option("--steps", type=int, help="Compare only this many optimiser steps, then end the program.")
@click.option("--timeout", type=float, metavar="SECONDS", help="End a run that takes longer.")
@click.option("--no-diagnose", is_flag=True, help="Do not look for the cause of a difference.")
@click.option("--keep", is_flag=True, help="Keep the records of the experiments too.")
@click.option("--mlflow", metavar="URI", help="Also log the result to this MLflow server.")
@on_cluster
@reports
@outputs
@click.pass_context
def run(
    ctx: click.Context,
    /,
    runs: int,
    steps: int | None,
    timeout: float | None,
    no_diagnose: bool,
    keep: bool,
    mlflow: str | None,
    dask: str | None,
    json_: str | None,
    quiet: bool,
    **forms: str | None,
) -> int:
    """Repeat a command, compare bit for bit, prove why runs differ.

    COMMAND is a script with its arguments, -m and a module, package.module:function, or any program after --. Options of
    reprotest stand before it; everything after belongs to the command.
    """
    from reprotest import tracking
    from reprotest.config.project import find
    from reprotest.options import RunOptions
    from reprotest.report.json import document

    options = RunOptions(runs=runs, steps=steps, timeout=timeout, diagnose=not no_diagnose, keep=keep)
    output = Output(json_, quiet, **forms)
    output.check()
    project = find() if mlflow is None else None
    uri = tracking.address(mlflow, project.mlflow if project is not None else None)
    greet(output)
    words = ctx.meta["command"]
    report = session(parsed(words), options, output, dask=dask, words=words)
    explain_refusal(ctx, report)
    content = document(report)
    output.result(content)
    output.show(report)
    logged(uri, content)
    return exit_code(report)
