"""What the repeated runs of one command come to: whether they agree, where they part first, and what they use that could vary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reprotest.diagnose.candidates import uses
from reprotest.diagnose.laboratory import Trial, differ
from reprotest.factors import all_factors
from reprotest.options import DifferenceFound, OnEvent
from reprotest.result import RunReport, Verdict, Watched
from reprotest.run.replicate import describe_exit


@dataclass(frozen=True)
class Judged:
    """How runs compare.

    Attributes:
        other: the first run that differs from the first one; None when all agree.
        output_only: nothing but the output could be compared.
    """

    other: Trial | None
    output_only: bool


def judge(report: RunReport, base: Sequence[Trial], on_event: OnEvent) -> Judged:
    """Compare every run with the first, and enter into the report what comes out."""
    first = base[0]
    report.steps = max(t.record.steps for t in base)
    report.observed = first.record.phases
    report.unobserved += [note for t in base for note in t.record.notes()]
    output_only = first.record.is_indirect
    if output_only:
        besides = ", beside what it saved or held at its end," if report.observed else ""
        report.unobserved.append(
            f"no weights, losses, batches or estimators were seen, so the program's output{besides} was compared; "
            "call reprotest.observe(name, value) on what matters"
        )
    report.unobserved = list(dict.fromkeys(report.unobserved))
    found = None
    for other in base[1:]:
        difference, masked = differ(first.record, other.record, output=output_only)
        report.masked = list(dict.fromkeys([*report.masked, *masked]))
        if difference is not None:
            report.first_difference, found = difference, other
            break
    failed = [t for t in base if t.replica.failed]
    if report.first_difference is not None:
        report.verdict = Verdict.DIFFERENT
        on_event(DifferenceFound(report.first_difference))
    elif failed:
        report.error = f"the command {describe_exit(failed[0].replica.exit_code)}:\n{failed[0].replica.stderr_tail()}"
    else:
        report.verdict = Verdict.IDENTICAL
        report.not_varied = [f.id for f in all_factors() if not f.repeats]
    watch(report, base, {})
    return Judged(found, output_only)


def watch(report: RunReport, base: Sequence[Trial], affects: Mapping[str, bool]) -> None:
    """List the factors that the program uses and that are no causes. `affects`: what experiments have shown of them."""
    identical = report.verdict is Verdict.IDENTICAL
    causes = {cause.factor for cause in report.causes}
    report.watched = []
    for factor_id, sites in uses([t.record for t in base]).items():
        if factor_id in causes:
            continue
        location = max((s for s in sites if s), key=lambda s: sites[s], default=None)
        if location is None:  # a library's own use, as it is imported or for itself
            continue
        harmless = False if identical else affects.get(factor_id)
        report.watched.append(Watched(factor_id, location, sum(sites.values()), harmless))
