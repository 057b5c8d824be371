"""What every verb of the command line shares: its options, the command under test, one session, the exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprotest.errors import UsageError
from reprotest.report.output import Output

if TYPE_CHECKING:
    from reprotest.options import RunOptions
    from reprotest.result import RunReport
    from reprotest.run.command import Command

INTERRUPTED = 130
_WRONG_USAGE = 2
"""With what a command ends that does not know its arguments."""
FORMS = {
    "html": "Write a page with pictures that opens from disk.",
    "junit": "Write JUnit XML, as CI systems read it.",
    "markdown": "Write Markdown, for a CI summary or a comment.",
}


class TakesCommand(click.Command):
    """A verb with its options first and the command under test after them, untouched: all that follows is the command's own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        start = self._start(ctx, args)
        ctx.meta["command"] = tuple(args[start:])
        return super().parse_args(ctx, args[:start])

    def _start(self, ctx: click.Context, args: Sequence[str]) -> int:
        """Where the command begins: at `--`, at `-m`, or at the first word that is neither an option nor an option's value."""
        valued = {
            name
            for param in self.get_params(ctx)
            if isinstance(param, click.Option) and not param.is_flag and not param.count
            for name in param.opts
        }
        at = 0
        while at < len(args):
            word = args[at]
            if word in ("--", "-m") or word == "-" or not word.startswith("-"):
                break
            if word in valued and args[at + 1 : at + 2] == ["--"]:
                raise UsageError(f"{word} has no value: expected one between it and --")
            at += 2 if word in valued else 1
        return min(at, len(args))

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "COMMAND..."]


def explain_refusal(ctx: click.Context, report: RunReport) -> None:
    """A command that refuses its arguments may have been given ours: they would have had to stand before it. Says so in the report."""
    if report.error is None or _WRONG_USAGE not in report.exit_codes:
        return
    ours = {name for param in ctx.command.params for name in param.opts}
    given = [name for word in ctx.meta["command"] if (name := word.partition("=")[0]) in ours]
    if given:
        report.error += (
            f"\n{given[0]} was handed to the command; as an option of reprotest it stands before the command"
        )


def outputs(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every verb has."""
    function = click.option("--quiet", is_flag=True, help="No progress, and one line instead of the report.")(function)
    return click.option(
        "--json", "json_", metavar="FILE", help="Write the result as JSON; - for standard output (see docs/json.md)."
    )(function)


def reports(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every verb that gives a verdict: the same result for other readers. They arrive as `html`, `junit`, `markdown`."""
    for option, what in reversed(FORMS.items()):
        function = click.option(f"--{option}", metavar="FILE", help=what)(function)
    return function


on_cluster = click.option(
    "--dask",
    metavar="ADDRESS",
    help="Run on a Dask cluster: its scheduler (tcp://host:8786), its scheduler file, or local (docs/fleet.md).",
)
"""The option of verbs whose runs can be made elsewhere."""


def parsed(words: Sequence[str], cwd: Path | None = None) -> Command:
    """The command under test, from the words that follow a verb's options.

    Raises:
        UsageError: there are none.
        CommandError: no such script, module or program.
    """
    from reprotest.run.command import parse_command

    if not [word for word in words if word != "--"]:
        raise UsageError(
            "no command to run: expected a script, -m MODULE, package.module:function, or -- PROGRAM after the options"
        )
    program = words[0] == "--"
    return parse_command(words[1:] if program else words, program=program, cwd=str(cwd) if cwd else None)


def greet(output: Output) -> None:
    """Say on standard error what a person should know before anything runs: Debian's tool of the same name is near."""
    from reprotest import namesake

    said = None if output.quiet else namesake.notice()
    if said is not None:
        click.echo(said, err=True)


def session(
    command: Command, options: RunOptions, output: Output, *, dask: str | None = None, words: Sequence[str] = ()
) -> RunReport:
    """The whole course for one command, here or on a cluster, with progress for whoever watches.

    Args:
        command: what to run.
        options: how to repeat it.
        output: where the result goes.
        dask: address of the cluster.
        words: the command as it follows a verb's options; for a cluster.
    """
    from reprotest import api
    from reprotest.report import progress
    from reprotest.report.output import console

    with progress.shown(console(sys.stderr), quiet=output.quiet) as listen:
        if dask is not None:
            return api.session_on(dask, words, command, options, listen)
        return api.session(command, options, listen)


def exit_code(report: RunReport) -> int:
    """As promised in docs/json.md."""
    from reprotest.result import Verdict

    if report.interrupted:
        return INTERRUPTED
    return {Verdict.IDENTICAL: 0, Verdict.DIFFERENT: 1, Verdict.ERROR: 3}[report.verdict]


def logged(uri: str | None, document: dict[str, Any], root: str | Path = ".", name: str | None = None) -> None:
    """Log a result to MLflow, after it was written and shown: a server that is down takes nothing away."""
    if uri is None:
        return
    from reprotest import tracking

    try:
        run_id = tracking.log(uri, document, root, name)
    except tracking.NotLogged as error:
        click.echo(f"reprotest: {error}", err=True)
    else:
        click.echo(f"Logged to MLflow as run {run_id}", err=True)
