"""Makes a result fit to be shown: no secrets, no terminal control sequences. Every presenter begins with this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reprotest.report.excerpt import clean
from reprotest.result import Cause, Difference, Experiment, RunReport
from reprotest.secrets import known_secrets, mask_command, mask_text


def presentable(report: RunReport) -> RunReport:
    """A copy of the result with all that came from the program or its command line masked and made harmless."""
    text = cleaner(report.command)
    return replace(
        report,
        command=mask_command(report.command),
        first_difference=_difference(report.first_difference, text),
        causes=[_cause(cause, text) for cause in report.causes],
        experiments=[_experiment(row, text) for row in report.experiments],
        located=[_surely(item, text) for item in report.located],
        unobserved=[text(said) for said in report.unobserved],
        masked=[text(said) for said in report.masked],
        error=text(report.error) if report.error else report.error,
        hosts=[replace(host, why=text(host.why) if host.why else None) for host in report.hosts],
    )


Text = Callable[[str], str]


def cleaner(command: list[str]) -> Text:
    """Masks what is secret in a text, given the command's words, and makes the rest harmless."""
    secrets = known_secrets(command=command)

    def text(said: str) -> str:
        return "\n".join(clean(line) for line in mask_text(said, secrets).splitlines())

    return text


def _surely(difference: Difference, text: Text) -> Difference:
    return replace(difference, name=text(difference.name), note=text(difference.note) if difference.note else None)


def _difference(difference: Difference | None, text: Text) -> Difference | None:
    return None if difference is None else _surely(difference, text)


def _cause(cause: Cause, text: Text) -> Cause:
    first = _difference(cause.first_difference, text)
    return replace(cause, evidence=text(cause.evidence), fix=text(cause.fix), first_difference=first)


def _experiment(row: Experiment, text: Text) -> Experiment:
    note = text(row.note) if row.note else row.note
    return replace(row, what=text(row.what), difference=_difference(row.difference, text), note=note)
