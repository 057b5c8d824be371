"""The verb `report`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from reprotest.report.output import Output
from reprotest.verbs._shared import outputs, reports


@click.command(
    epilog="""\b
Examples:
  python -m reprotest report                       (the last result of this project)
  python -m reprotest report result.json --html report.html
  python -m reprotest report 20261126T0041 20261126T0042
  python -m reprotest report runs/here runs/there --markdown -"""
)
@click.argument("records", nargs=-1, metavar="[RECORD]...")
@reports
@outputs
def report(records: tuple[str, ...], json_: str | None, quiet: bool, **forms: str | None) -> int:
    """Make an HTML page of a result or of records.

    RECORD is the JSON of a result, the folder of a run, or the beginning of an id in .reprotest/; two runs or more are compared
    with the first. Without any it is the last result of this project. Without --html the page is put into .reprotest/reports/.
    """
    from reprotest.report import presented

    output = Output(json_, quiet, **forms)
    output.check()
    root = Path.cwd()
    shown = presented.of(root, records)
    if not output.forms_wanted and json_ is None:
        output = replace(output, html=str(presented.place(root, shown)))
    output.document(lambda: shown.document)
    output.forms(shown.document, shown.root)
    if output.html not in (None, "-") and not output.piped:
        click.echo(output.html if quiet else f"The page is {_near(str(output.html))}")
    return 0


def _near(path: str) -> Any:
    from reprotest.report import words

    return words.relative(path)
