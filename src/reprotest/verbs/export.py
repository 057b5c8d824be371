"""The verb `export`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

SCHEMA = "reprotest.export/1"


@click.command(
    epilog="""\b
Examples:
  python -m reprotest export requirements docker
  python -m reprotest export docker --group main --group test
  python -m reprotest export --check"""
)
@click.argument("kinds", nargs=-1, metavar="[KIND]...")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when an exported file is stale.")
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="NAME",
    help="Dependency groups to install; kept by later exports.  [main]",
)
@click.option("--force", is_flag=True, help="Replace files that reprotest did not export.")
@click.option("--json", "json_", metavar="FILE", help="Write the result as JSON; - for standard output.")
@click.option("--quiet", is_flag=True, help="Say nothing but errors.")
def export(
    kinds: tuple[str, ...], check: bool, groups: tuple[str, ...], force: bool, json_: str | None, quiet: bool
) -> int:
    """Write requirements, a Dockerfile and the like from the lock.

    KIND is requirements (requirements.txt with hashes), conda (environment.yml), docker (Dockerfile, .dockerignore), compose
    (compose.yaml), gitignore (.gitignore) or env (.env.example); several may be given. They are made from poetry.lock and flake.lock of the present folder. With --check and no KIND, every exported file
    that there is.
    """
    from reprotest.errors import UsageError
    from reprotest.export.kinds import HEADER, KINDS, OWN, Project
    from reprotest.export.lock import read_lock
    from reprotest.export.write import plan, write
    from reprotest.report.output import Output

    output = Output(json_, quiet)
    output.check()
    folder = Path()
    project = Project(read_lock(folder), groups)
    if not kinds and check:
        kinds = tuple(kind for kind, file in OWN.items() if HEADER in project.existing(file.name))
        if not kinds:
            raise UsageError(f"no exported file here to check: name what there should be ({', '.join(KINDS)})")
    if not kinds:
        raise UsageError(f"nothing to export: expected one or more of {', '.join(KINDS)}")
    planned = plan(project, kinds)
    stale = [item for item in planned if item.state != "current"] if check else write(folder, planned, force=force)
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "verdict": "stale" if check and stale else "current" if check else "written",
        "files": [{"file": item.file.name, "state": item.state} for item in planned],
    }
    output.document(lambda: document)
    if not quiet:
        say = partial(click.echo, err=json_ == "-")
        for item in planned:
            say(f"{item.file.name}: {_word(item.state, check)}")
            if check and item.state == "changed":
                say(_shortened(item.difference()))
        if check and stale:
            say(f"stale: run `python -m reprotest export {' '.join(kinds)}` and commit the result")
    return 1 if check and stale else 0


def _word(state: str, check: bool) -> str:
    if state == "current":
        return "up to date"
    if check:
        return "missing" if state == "new" else "stale"
    return "written" if state == "new" else "updated"


def _shortened(text: str, most: int = 20) -> str:
    lines = text.splitlines()
    more = [f"  … {len(lines) - most} more lines"] if len(lines) > most else []
    return "\n".join([*(f"  {line}" for line in lines[:most]), *more])
