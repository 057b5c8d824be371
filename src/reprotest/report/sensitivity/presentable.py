"""Makes a result of `vary` fit to be shown: no secrets, no terminal control sequences."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reprotest.report.excerpt import clean
from reprotest.secrets import known_secrets, mask_command, mask_text

if TYPE_CHECKING:
    from reprotest.result import Difference
    from reprotest.vary.result import VaryReport


def presentable(report: VaryReport) -> VaryReport:
    """A copy of the result with all that came from the program or its command line masked and made harmless."""
    secrets = known_secrets(command=report.command)

    def text(said: str) -> str:
        return "\n".join(clean(line) for line in mask_text(said, secrets).splitlines())

    def difference(one: Difference | None) -> Difference | None:
        return None if one is None else replace(one, name=text(one.name), note=text(one.note) if one.note else None)

    return replace(
        report,
        command=mask_command(report.command),
        sensitive_to=[
            replace(item, first_difference=difference(item.first_difference)) for item in report.sensitive_to
        ],
        first_difference=difference(report.first_difference),
        skipped=[replace(item, why=text(item.why)) for item in report.skipped],
        untried=[replace(item, why=text(item.why)) for item in report.untried],
        trials=[
            replace(trial, difference=difference(trial.difference), note=text(trial.note) if trial.note else None)
            for trial in report.trials
        ],
        unobserved=[text(said) for said in report.unobserved],
        masked=[text(said) for said in report.masked],
        error=text(report.error) if report.error else report.error,
        hosts=[replace(worker, why=text(worker.why) if worker.why else None) for worker in report.hosts],
    )
