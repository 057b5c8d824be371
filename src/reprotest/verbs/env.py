"""The verb `env`."""

from __future__ import annotations

import click

from reprotest.report.output import Output
from reprotest.verbs._shared import outputs


@click.command(epilog="Example: python -m reprotest env --json manifest.json")
@outputs
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
