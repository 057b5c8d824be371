"""Presents what `vary` found: a table for the terminal, a plot, and the document for programs.

Markdown and the page are made from the document, as those of every verb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprotest.report.sensitivity.presentable import presentable

if TYPE_CHECKING:
    from reprotest.report.output import Output
    from reprotest.vary.result import VaryReport


def document(report: VaryReport) -> dict[str, Any]:
    """The document (schema reprotest.vary/1), without secrets."""
    return presentable(report).to_json()


def check_plot(target: str | None) -> None:
    """Refuse a picture that cannot be drawn before anything is run. Raises UsageError."""
    if target is not None:
        from reprotest.report.sensitivity.plot import check

        check(target)


def show(report: VaryReport, output: Output, *, plot: str | None = None) -> None:
    """Present a result to people, and draw the picture where one was asked for."""
    from reprotest.report.output import to_whoever_listens

    shown = presentable(report)
    if plot is not None:
        from reprotest.report.sensitivity.plot import draw

        draw(shown, plot)
    with to_whoever_listens():
        if not output.quiet:
            from reprotest.report.sensitivity import terminal

            terminal.show(shown, output.console())
        elif not output.piped:
            from reprotest.report.sensitivity.words import one_line

            print(one_line(shown))
