"""The command line: the group of verbs, each a file of `reprotest.verbs`, and how the process ends."""

from __future__ import annotations

import difflib
import importlib
import os
import pkgutil
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

import click

from reprotest import verbs
from reprotest.errors import ReprotestError, UsageError
from reprotest.report.output import Output
from reprotest.verbs._shared import INTERRUPTED, outputs, reports

INTERNAL = 4


class Verbs(click.Group):
    """The verbs are the files of `reprotest.verbs`; only those that are needed are imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(name for _, name, _ in pkgutil.iter_modules(verbs.__path__) if not name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command = getattr(importlib.import_module(f"{verbs.__name__}.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command), f"verbs/{cmd_name}.py defines no command {cmd_name}"
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            near = difflib.get_close_matches(
                name, self.list_commands(ctx), n=1
            )  # click knows only what is registered with it
            ctx.fail(f"No such command {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)


@click.group(
    cls=Verbs,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND] [ARGS]...",
    epilog="Example: python -m reprotest run train.py --epochs 1",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@reports
@outputs
@click.option("--version", is_flag=True, help="Show the version and exit.")
@click.pass_context
def reprotest(ctx: click.Context, /, json_: str | None, quiet: bool, version: bool, **forms: str | None) -> int:
    """Prove that a training repeats bit for bit, or find out why it does not.

    Without a verb, the experiments are run that the project names in pyproject.toml ([tool.reprotest]) or reprotest.yaml;
    with none, a small built-in reference experiment.
    """
    if version:
        from reprotest.version import version as installed

        click.echo(f"reprotest {installed()}")
        return 0
    if ctx.invoked_subcommand is not None:
        given = {"json": json_, "quiet": quiet, **forms}
        early = next((f"--{name}" for name, value in given.items() if value), None)
        if early is not None:
            raise UsageError(f"{early} belongs after the verb: python -m reprotest {ctx.invoked_subcommand} {early} …")
        return 0
    from reprotest.verbs._configured import run_configured

    return run_configured(Output(json_, quiet, **forms))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit code: never a traceback, whatever happens."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # another's text must not end us in a terminal that lacks a letter
    try:
        return _main(arguments)
    except KeyboardInterrupt:
        click.echo("reprotest: interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:  # as in `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ReprotestError as error:
        click.echo(f"reprotest: {error}", err=True)
        return error.exit_code
    except Exception as error:
        from reprotest import crash

        click.echo(f"reprotest: {crash.save(error)}", err=True)
        return INTERNAL


def _main(arguments: Sequence[str] | None) -> int:
    from reprotest import namesake

    broken = namesake.problem()
    if broken is not None:
        raise UsageError(broken)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    sys.unraisablehook = _not_lost
    try:
        result = reprotest.main(arguments, prog_name="python -m reprotest", standalone_mode=False)
    except click.exceptions.Exit as leaving:  # --help
        return leaving.exit_code
    except click.Abort as error:
        raise KeyboardInterrupt from error
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return result if isinstance(result, int) else 0


def _interrupt(number: int, frame: object) -> None:
    """Being asked to end is treated as Ctrl-C: the processes of the run are ended and what was found is shown."""
    raise KeyboardInterrupt


def _not_lost(lost: Any) -> None:
    """An interrupt that meets a callback of a weak reference (imports have them) is printed and forgotten: send it again."""
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    again = threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT))
    again.daemon = True
    again.start()
