"""The command line: one thin function per verb. Heavy modules are imported where they are used, so that --help is quick."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprotest.errors import ReprotestError, UsageError
from reprotest.export.command import export
from reprotest.report.output import Output

if TYPE_CHECKING:
    from reprotest.result import RunReport
    from reprotest.run.command import Command

INTERRUPTED = 130
INTERNAL = 4


# --- the shape of the command line ------------------------------------------------------------------------------------


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
            at += 2 if word in valued else 1
        return min(at, len(args))

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "COMMAND..."]


def _outputs(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every verb has."""
    function = click.option("--quiet", is_flag=True, help="No progress, and one line instead of the report.")(function)
    return click.option(
        "--json", "json_", metavar="FILE", help="Write the result as JSON; - for standard output (see docs/json.md)."
    )(function)


@click.group(
    invoke_without_command=True,
    subcommand_metavar="[COMMAND] [ARGS]...",
    epilog="Example: python -m reprotest run train.py --epochs 1",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@_outputs
@click.option("--version", is_flag=True, help="Show the version and exit.")
@click.pass_context
def reprotest(ctx: click.Context, json_: str | None, quiet: bool, version: bool) -> int:
    """Prove that a training repeats bit for bit, or find out why it does not.

    Without a verb, the experiments are run that the project names in pyproject.toml ([tool.reprotest]) or reprotest.yaml;
    with none, a small built-in reference experiment.
    """
    if version:
        from reprotest.version import version as installed

        click.echo(f"reprotest {installed()}")
        return 0
    if ctx.invoked_subcommand is not None:
        if json_ is not None or quiet:
            raise UsageError(
                f"--json and --quiet belong after the verb: python -m reprotest {ctx.invoked_subcommand} --quiet …"
            )
        return 0
    return _configured(Output(json_, quiet))


@reprotest.command(
    cls=TakesCommand,
    epilog="""\b
Examples:
  python -m reprotest run train.py --epochs 1
  python -m reprotest run --runs 5 -m package.train
  python -m reprotest run package.train:main
  python -m reprotest run --steps 100 -- torchrun --nproc-per-node 2 train.py""",
)
@click.option("--runs", type=int, default=2, show_default=True, help="How often the command is run.")
@click.option("--steps", type=int, help="Compare only this many optimiser steps, then end the program.")
@click.option("--timeout", type=float, metavar="SECONDS", help="End a run that takes longer.")
@click.option("--no-diagnose", is_flag=True, help="Do not look for the cause of a difference.")
@click.option("--keep", is_flag=True, help="Keep the records of the experiments too.")
@_outputs
@click.pass_context
def run(
    ctx: click.Context,
    runs: int,
    steps: int | None,
    timeout: float | None,
    no_diagnose: bool,
    keep: bool,
    json_: str | None,
    quiet: bool,
) -> int:
    """Repeat a command, compare bit for bit, prove why runs differ.

    COMMAND is a script with its arguments, -m and a module, package.module:function, or any program after --. Options of
    reprotest stand before it; everything after belongs to the command.
    """
    from reprotest.options import RunOptions
    from reprotest.report.json import document

    words: tuple[str, ...] = ctx.meta["command"]
    if not [word for word in words if word != "--"]:
        raise UsageError(
            "no command to run: expected a script, -m MODULE, package.module:function, or -- PROGRAM after the options"
        )
    options = RunOptions(runs=runs, steps=steps, timeout=timeout, diagnose=not no_diagnose, keep=keep)
    output = Output(json_, quiet)
    output.check()
    _greet(output)
    report = _session(_parsed(words), options, output)
    output.document(lambda: document(report))
    output.show(report)
    return _exit_code(report)


@reprotest.command(epilog="Example: python -m reprotest env --json manifest.json")
@_outputs
def env(json_: str | None, quiet: bool) -> int:
    """Show this machine's manifest.

    It holds the present state of every factor that can change a result: packages, interpreter, system, processor, threads,
    environment variables (secrets masked) and more.
    """
    from reprotest import manifest

    output = Output(json_, quiet)
    output.check()
    read = manifest.read()
    output.document(lambda: read)
    if not quiet and json_ is None:
        from reprotest.report import manifest as presenter

        presenter.show(read, output.console())
    return 0


reprotest.add_command(export)


# --- what the verbs share ---------------------------------------------------------------------------------------------


def _parsed(words: Sequence[str], cwd: Path | None = None) -> Command:
    from reprotest.run.command import parse_command

    program = words[0] == "--"
    return parse_command(words[1:] if program else words, program=program, cwd=str(cwd) if cwd else None)


def _greet(output: Output) -> None:
    from reprotest import namesake

    said = None if output.quiet else namesake.notice()
    if said is not None:
        click.echo(said, err=True)


def _session(command: Command, options: Any, output: Output) -> RunReport:
    from reprotest.api import session
    from reprotest.report import output as outputs
    from reprotest.report import progress

    with progress.shown(outputs.console(sys.stderr), quiet=output.quiet) as listen:
        return session(command, options, listen)


def _exit_code(report: RunReport) -> int:
    from reprotest.result import Verdict

    if report.interrupted:
        return INTERRUPTED
    return {Verdict.IDENTICAL: 0, Verdict.DIFFERENT: 1, Verdict.ERROR: 3}[report.verdict]


def _configured(output: Output) -> int:
    """The project's experiments one after the other, or the reference; the highest of their exit codes."""
    from reprotest.config.project import NamedExperiment, find
    from reprotest.options import RunOptions
    from reprotest.report.json import document

    output.check()
    _greet(output)
    project = find()
    if project is not None and project.experiments:
        experiments, root = project.experiments, project.root
    else:
        root = Path.cwd()
        experiments = (NamedExperiment("reference", ("-m", "reprotest.reference.train"), RunOptions()),)
        click.echo(
            "No experiments are configured here (pyproject.toml, [tool.reprotest.experiments.NAME], or reprotest.yaml): "
            "running the built-in reference experiment.\n"
            "To test a training of your own: python -m reprotest run train.py",
            err=True,
        )
    commands = [(experiment, _parsed(experiment.words, root)) for experiment in experiments]
    reports: dict[str, RunReport] = {}
    for experiment, command in commands:
        report = reports[experiment.name] = _session(command, experiment.options, output)
        output.show(report, root=root, title=experiment.name)
        if report.interrupted:
            break
    output.document(
        lambda: {
            "schema": "reprotest.experiments/1",
            "experiments": {name: document(report) for name, report in reports.items()},
        }
    )
    output.summary(reports)
    return max(_exit_code(report) for report in reports.values())


# --- from the outside -------------------------------------------------------------------------------------------------


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
