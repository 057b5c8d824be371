"""The verb `compare`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprotest.report.output import Output
from reprotest.verbs._shared import TakesCommand, greet, outputs, reports

if TYPE_CHECKING:
    from reprotest.across.comparison import Comparison


class _TwoForms(TakesCommand):
    """A B with options anywhere; after --rev, options first and then the command, untouched."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        before = args[: args.index("--")] if "--" in args else args
        if "--rev" not in before:
            ctx.meta["command"] = ()
            return click.Command.parse_args(self, ctx, args)
        return super().parse_args(ctx, args)

    def _start(self, ctx: click.Context, args: Sequence[str]) -> int:
        at = args.index("--rev")
        return at + 3 + super()._start(ctx, args[at + 3 :])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return ["[OPTIONS] A B", "|", "--rev OLD NEW COMMAND..."]


@click.command(
    cls=_TwoForms,
    epilog="""\b
Examples:
  python -m reprotest compare latest~1 latest
  python -m reprotest compare theirs.json ours.json     (what `env --json` wrote on two machines)
  python -m reprotest compare old/reprotest.lock reprotest.lock
  python -m reprotest compare --prove runs/cluster latest
  python -m reprotest compare --rev HEAD~1 HEAD train.py --epochs 1""",
)
@click.argument("sides", nargs=-1, metavar="A B")
@click.option("--rev", nargs=2, metavar="OLD NEW", help="Run COMMAND at two commits: did the numbers change?")
@click.option("--prove", is_flag=True, help="Run the command here, one factor at a time as on the other side.")
@click.option("--steps", type=int, help="With --rev: compare only this many optimiser steps.")
@click.option("--timeout", type=float, metavar="SECONDS", help="End a run that takes longer.")
@reports
@outputs
@click.pass_context
def compare(
    ctx: click.Context,
    /,
    sides: tuple[str, ...],
    rev: tuple[str, str] | None,
    prove: bool,
    steps: int | None,
    timeout: float | None,
    json_: str | None,
    quiet: bool,
    **forms: str | None,
) -> int:
    """What differs between two machines, records or commits?

    A and B are records (folders, or beginnings of their names), two locks, or two manifests. The environment comes first, ranked by
    what is known to change this result; then the first difference of the results, and how it grows.
    """
    from reprotest.across import comparison
    from reprotest.across.sides import load
    from reprotest.errors import UsageError
    from reprotest.report import compared

    output = Output(json_, quiet, **forms)
    output.check()
    cwd = Path.cwd()
    if rev is not None:
        found = _revisions(rev, tuple(ctx.meta["command"]), steps, timeout, output)
    else:
        if len(sides) != 2:
            raise UsageError(f"expected two things to compare, A and B, not {len(sides)}: see `compare --help`")
        a, b = (load(word, cwd) for word in sides)
        found = comparison.compare(a, b, cwd)
        if prove:
            _prove(found, sides, cwd, timeout, output)
    output.result(found.to_json(), cwd)
    if not (quiet and output.piped):
        for line in compared.lines(found, quiet=quiet):
            click.echo(line, err=output.piped)
    return 0 if found.identical else 1


def _prove(found: Comparison, sides: tuple[str, ...], cwd: Path, timeout: float | None, output: Output) -> None:
    from reprotest.across.prove import prove
    from reprotest.across.sides import load
    from reprotest.errors import UsageError
    from reprotest.lock.runs import laboratory
    from reprotest.report import progress
    from reprotest.report.output import console
    from reprotest.run.command import parse_command

    a, b = (load(word, cwd) for word in sides)
    if a.record is None or b.record is None:
        raise UsageError("--prove needs two records: a manifest does not say which command to run")
    words = [str(word) for word in a.record.manifest.get("command") or []]
    if not words or words != b.record.manifest.get("command") or "***" in " ".join(words):
        raise UsageError("--prove needs two records of one command without secrets on its command line")
    greet(output)
    command = parse_command(words, cwd=str(cwd))
    with progress.shown(console(sys.stderr), quiet=output.quiet) as listen, laboratory(command, listen) as lab:
        with closing(a.record), closing(b.record):
            found.environment, found.experiments = prove(lab, a, b, found.environment, timeout)
        lab.discard([])


def _revisions(
    rev: tuple[str, str], words: tuple[str, ...], steps: int | None, timeout: float | None, output: Output
) -> Comparison:
    from reprotest.across import comparison
    from reprotest.across.environment import Change, Finding
    from reprotest.across.revisions import Repository, Revisions
    from reprotest.across.sides import of_record
    from reprotest.errors import CommandFailed, UsageError
    from reprotest.report import progress
    from reprotest.report.output import console
    from reprotest.run.store import Store

    if not [word for word in words if word != "--"]:
        raise UsageError("--rev needs a command: compare --rev HEAD~1 HEAD train.py --epochs 1")
    greet(output)
    store = Store.at(str(Path.cwd()))
    repository = Repository(Path.cwd(), store)
    commits = [repository.commit(revision) for revision in rev]
    with progress.shown(console(sys.stderr), quiet=output.quiet) as listen:
        revisions = Revisions(repository, words, store, listen, steps, timeout)
        try:
            runs = [revisions.run(commit) for commit in commits]
        finally:
            revisions.clean()
    for revision, trial in zip(rev, runs, strict=True):
        if trial is None:
            raise CommandFailed(f"the command fails at {revision}, so there is nothing to compare")
    a, b = (of_record(repository.title(c), t.record) for c, t in zip(commits, runs, strict=True) if t is not None)
    found = comparison.of_records(a, b, Path.cwd(), "revisions")
    changed = repository.git("diff", "--name-only", *commits).split("\n")
    changes = tuple(Change(name, commits[0][:12], commits[1][:12]) for name in changed if name)
    code = Finding("code", changes, a.shown, b.shown, 1.0, "unknown", "everything else was the same for both runs")
    found.environment = [code] if changes else []
    return found
