"""The verb `init`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from reprotest.verbs._shared import outputs

SCHEMA = "reprotest.init/1"


@click.command(
    epilog="""\b
Examples:
  python -m reprotest init --dry-run
  python -m reprotest init my-training
  python -m reprotest init --force"""
)
@click.argument("folder", default=".")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and write nothing.")
@click.option("--force", is_flag=True, help="Replace files that are there already, without asking.")
@outputs
def init(folder: str, dry_run: bool, force: bool, json_: str | None, quiet: bool) -> int:
    """Put a working start into a project.

    A training script that repeats, its configuration, packages locked with hashes, a CI workflow, reprotest.yaml, a README, and lines for
    .gitignore and .env.example. What is there already stays as it is; on a terminal it is asked for each. FOLDER is the project, the
    present one by default; it is made if need be.
    """
    from reprotest.errors import UsageError
    from reprotest.init.plan import plan, write
    from reprotest.report.output import Output

    output = Output(json_, quiet)
    output.check()
    root = Path(folder)
    if root.exists() and not root.is_dir():
        raise UsageError(f"{folder} is a file: give a folder, which may be new")

    def replace(path: str) -> bool:
        if force or dry_run or quiet or json_ == "-" or not (sys.stdin.isatty() and sys.stdout.isatty()):
            return force
        return click.confirm(f"{path} is there already. Replace it?", default=False)

    steps = plan(root, replace)
    if not dry_run:
        write(root, steps)
    output.document(
        lambda: {
            "schema": SCHEMA,
            "verdict": "planned" if dry_run else "written",
            "files": [{"file": step.path, "state": step.state} for step in steps],
        }
    )
    if quiet:
        return 0
    said = {
        "new": "would be written" if dry_run else "written",
        "extended": "would get lines added" if dry_run else "lines added",
        "replaced": "would be replaced" if dry_run else "replaced",
        "kept": "left out" if dry_run else "kept",
        "current": "as it should be",
    }
    for step in steps:
        reason = step.why or "it is there already; --force replaces it"
        click.echo(
            f"{step.path}: {said[step.state]}" + (f" ({reason})" if step.state == "kept" else ""), err=output.piped
        )
    if not dry_run:
        click.echo("Next: python -m reprotest doctor, then python -m reprotest", err=output.piped)
    return 0
