"""The verb `resume`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from reprotest.report.output import Output
from reprotest.verbs._shared import INTERRUPTED, TakesCommand, greet, outputs, parsed, reports

if TYPE_CHECKING:
    from reprotest.resume.runs import Commands


@click.command(
    cls=TakesCommand,
    epilog="""\b
Examples:
  python -m reprotest resume --full "train.py --epochs 4" \\
      --first "train.py --epochs 2" --second "train.py --epochs 4 --resume last.pt"
  python -m reprotest resume hf_trainer.py""",
)
@click.option("--full", metavar="CMD", help="Trains straight through.")
@click.option("--first", metavar="CMD", help="Trains up to the stop and leaves a checkpoint.")
@click.option("--second", metavar="CMD", help="Resumes from that checkpoint and trains to the end.")
@click.option("--at", type=int, metavar="STEP", help="Stop a trainer after so many optimiser steps.  [half way]")
@click.option("--timeout", type=float, metavar="SECONDS", help="End a run that takes longer.")
@reports
@outputs
@click.pass_context
def resume(
    ctx: click.Context,
    /,
    full: str | None,
    first: str | None,
    second: str | None,
    at: int | None,
    timeout: float | None,
    json_: str | None,
    quiet: bool,
    **forms: str | None,
) -> int:
    """Is train, stop and resume the same as training straight through?

    Three commands are run: straight through, the first part, the second part. Where they differ after the resumption, the pieces of
    the state that were not restored are named, by experiment. Of a program that uses Hugging Face's Trainer or Lightning one
    command (--full, or COMMAND) is enough: it is stopped and resumed through the trainer's own options.
    """
    import sys

    from reprotest.report import progress
    from reprotest.report import resume as presenter
    from reprotest.report.output import console
    from reprotest.result import Verdict
    from reprotest.resume.session import run_resume

    output = Output(json_, quiet, **forms)
    output.check()
    commands = _commands(ctx.meta["command"], full, first, second, at)
    greet(output)
    with progress.shown(console(sys.stderr), quiet=quiet) as listen:
        report = run_resume(commands, timeout, listen)
    output.result(presenter.document(report))
    presenter.show(report, output)
    if report.interrupted:
        return INTERRUPTED
    return {Verdict.IDENTICAL: 0, Verdict.DIFFERENT: 1, Verdict.ERROR: 3}[report.verdict]


def _commands(
    words: tuple[str, ...], full: str | None, first: str | None, second: str | None, at: int | None
) -> Commands:
    from reprotest.errors import UsageError
    from reprotest.resume.runs import Commands

    if words and full is not None:
        raise UsageError("two commands that train straight through: give either --full CMD or COMMAND")
    if (first is None) != (second is None):
        raise UsageError(
            "--first and --second belong together: the one leaves the checkpoint that the other resumes from"
        )

    def split(option: str, text: str) -> list[str]:
        try:
            return shlex.split(text)
        except ValueError as error:
            raise UsageError(f"cannot split {option} {text!r} into words: {error}; quote it as in a shell") from error

    return Commands(
        parsed(words if full is None else split("--full", full)),
        None if first is None else parsed(split("--first", first)),
        None if second is None else parsed(split("--second", second)),
        at,
    )
