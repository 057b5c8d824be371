"""The verb `prune`."""

from __future__ import annotations

import os
import time

import click

from reprotest.report.output import Output
from reprotest.verbs._shared import outputs

SCHEMA = "reprotest.prune/1"


@click.command(
    epilog="""\b
Examples:
  python -m reprotest prune
  python -m reprotest prune --keep 20 --dry-run
  python -m reprotest prune --older-than 30"""
)
@click.argument("prefixes", nargs=-1, metavar="[PREFIX]...")
@click.option("--keep", type=int, metavar="N", help="Remove all but the newest N sealed records.")
@click.option("--older-than", type=float, metavar="DAYS", help="Remove records begun longer ago.")
@click.option("--dry-run", is_flag=True, help="Remove nothing; say what would be.")
@outputs
def prune(
    prefixes: tuple[str, ...],
    keep: int | None,
    older_than: float | None,
    dry_run: bool,
    json_: str | None,
    quiet: bool,
) -> int:
    """Remove records of earlier runs.

    Without options, what runs that were killed have left. With a record go its results, pages and notebook cells. Records to which
    reprotest.lock refers stay unless they are named; so do records that are being made.
    """
    from reprotest.lock.file import referred
    from reprotest.report import words
    from reprotest.run import leftovers
    from reprotest.run.catalog import stale
    from reprotest.run.store import Store

    output = Output(json_, quiet)
    output.check()
    store = Store.at(os.getcwd())
    now = time.time()
    gone = stale(store, prefixes=prefixes, keep=keep, days=older_than, now=now)
    if not prefixes:
        locked = referred(os.getcwd())
        gone = [entry for entry in gone if entry.digest not in locked]
    names = {entry.name for entry in gone}
    others = leftovers.belonging(store, names)
    if not prefixes:
        others += leftovers.abandoned(store, names, now)
        others += leftovers.outdated(store, keep=keep, days=older_than, now=now)
    others = list(dict.fromkeys(others))
    paths = [*(entry.path for entry in gone), *others]
    size = sum(map(leftovers.size, paths))
    rows = [entry.to_json() for entry in gone]
    if not dry_run:
        for path in paths:
            store.remove(path)
    beside = [str(path.relative_to(store.root)) for path in others]
    output.document(lambda: {"schema": SCHEMA, "dry_run": dry_run, "bytes": size, "records": rows, "beside": beside})
    if not quiet:
        for entry in gone:
            click.echo(f"{entry.name}  {entry.command}", err=json_ == "-")
        for name in beside:
            click.echo(name, err=json_ == "-")
    if json_ != "-" or not quiet:
        would = "would be removed" if dry_run else "removed"
        also = f" and {words.count(len(beside), 'other file or folder', 'other files and folders')}" if beside else ""
        click.echo(f"{len(gone)} records{also} {would}, {size / 1e6:.1f} MB", err=json_ == "-")
    return 0
