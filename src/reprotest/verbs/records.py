"""The verb `records`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from reprotest.report.output import Output
from reprotest.verbs._shared import outputs

if TYPE_CHECKING:
    from reprotest.run.catalog import Entry

SCHEMA = "reprotest.records/1"


@click.command(
    epilog="""\b
Examples:
  python -m reprotest records
  python -m reprotest records latest --check
  python -m reprotest records --push s3://bucket/runs
  python -m reprotest records 20261126 --pull /mnt/shared/runs"""
)
@click.argument("prefixes", nargs=-1, metavar="[PREFIX]...")
@click.option("--check", is_flag=True, help="Compare every byte with the record's seal.")
@click.option("--push", metavar="URL", help="Copy them to a folder or to any URL that fsspec knows.")
@click.option("--pull", metavar="URL", help="Bring them from there, checked.")
@outputs
def records(
    prefixes: tuple[str, ...], check: bool, push: str | None, pull: str | None, json_: str | None, quiet: bool
) -> int:
    """List the records of runs, check them, carry them.

    PREFIX is the beginning of a record's name, or of the six letters at its end, or "latest", "latest~1"; without any, all.
    """
    from reprotest.errors import RecordError, UsageError
    from reprotest.record import open_record
    from reprotest.run.catalog import Entry, select
    from reprotest.run.store import Store
    from reprotest.run.travel import Place

    output = Output(json_, quiet)
    output.check()
    if push and pull:
        raise UsageError("--push and --pull exclude each other: give one of them")
    store = Store.at(os.getcwd())
    done: dict[str, str] = {}
    failed = False
    if pull:
        place = Place(pull)
        wanted = [n for n in place.names() if not prefixes or any(_begins(n, prefix) for prefix in prefixes)]
        if prefixes and not wanted:
            raise RecordError(f"no sealed record {' or '.join(prefixes)} at {pull}")
        done = {name: "pulled" if place.pull(name, store) else "here already" for name in wanted}
        found = [Entry(store.root / "runs" / name) for name in wanted]
    else:
        found = select(store, prefixes)
    if push:
        place = Place(push)
        if not prefixes:
            found = [entry for entry in found if entry.sealed]
        done = {entry.name: "pushed" if place.push(entry) else "there already" for entry in found}
    if check:
        for entry in found:
            try:
                done[entry.name] = "intact" if open_record(entry.path).verify() else "not sealed, readable"
            except RecordError as error:
                done[entry.name], failed = str(error), True
    rows = [entry.to_json() | {"done": done.get(entry.name)} for entry in found]
    output.document(lambda: {"schema": SCHEMA, "verdict": "damaged" if failed else "ok", "records": rows})
    _show(found, done, output)
    return 1 if failed else 0


def _begins(name: str, prefix: str) -> bool:
    return name.startswith(prefix) or name.rpartition("-")[2].startswith(prefix)


def _show(found: list[Entry], done: dict[str, str], output: Output) -> None:
    def say(line: str) -> None:
        click.echo(line, err=output.json == "-")

    if output.quiet:
        for name, what in done.items():
            say(f"{name}: {what}")
        return
    for entry in found:
        facts: list[Any] = [entry.name, done.get(entry.name) or entry.state]
        facts += ["" if entry.steps is None else f"{entry.steps} steps", (entry.digest or "")[:12], entry.command]
        say("  ".join(str(fact) for fact in facts if fact))
    if not found:
        say("no records here: `python -m reprotest run COMMAND` makes some")
