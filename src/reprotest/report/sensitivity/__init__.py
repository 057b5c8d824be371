"""Presents what `vary` found: a table for the terminal, for Markdown, as a plot, and the document for programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprotest.report.sensitivity.presentable import presentable

if TYPE_CHECKING:
    from reprotest.report.output import Output
    from reprotest.vary.result import VaryReport


def document(report: VaryReport) -> dict[str, Any]:
    """The document (schema reprotest.vary/1): without secrets, and strictly JSON."""
    from reprotest.report.json import finite

    found: dict[str, Any] = finite(presentable(report).to_json())
    return found


def check(*, markdown: str | None, plot: str | None, json: str | None) -> None:
    """Refuse files that cannot be written before anything is run.

    Raises:
        UsageError: one of them cannot be, or two of them are the standard output.
    """
    from reprotest.errors import UsageError
    from reprotest.report.json import check_target

    if markdown is not None:
        if markdown == json == "-":
            raise UsageError("--json - and --markdown - both want standard output: give one of them the name of a file")
        check_target(markdown, "--markdown")
    if plot is not None:
        from reprotest.report.sensitivity.plot import check as check_plot

        check_target(plot, "--plot")
        check_plot(plot)


def show(report: VaryReport, output: Output, *, markdown: str | None = None, plot: str | None = None) -> None:
    """Present a result to people, and write the files that were asked for."""
    from reprotest.report.output import listening

    shown = presentable(report)
    if plot is not None:
        from reprotest.report.sensitivity.plot import draw

        draw(shown, plot)
    with listening():
        if markdown is not None:
            from reprotest.report.sensitivity.markdown import text

            if markdown == "-":
                print(text(shown), end="")
            else:
                Path(markdown).write_text(text(shown), encoding="utf-8")
        if output.quiet:
            if "-" not in (output.json, markdown):
                from reprotest.report.sensitivity.words import one_line

                print(one_line(shown))
        elif markdown != "-":
            from reprotest.report.sensitivity import terminal

            terminal.show(shown, output.console())
