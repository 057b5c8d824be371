"""What remains when experiments do not settle it: causes named by elimination, and said to be so."""

from __future__ import annotations

from reprotest.diagnose.candidates import Candidate
from reprotest.diagnose.experiments import Findings
from reprotest.factors import factor
from reprotest.factors._elsewhere import taken
from reprotest.factors._handed import others
from reprotest.factors.external_state import changed_inputs
from reprotest.record import Record
from reprotest.result import Cause, Difference

_MOST = 3
_ELSEWHERE = "look whether what comes from there is the same every time; if not, fix it in a file that all runs read"

_HANDED = "have whatever starts the program (a shell script, a launcher) hand it the same in every run: write the seed down, do not draw it"


def unproven_causes(
    suspects: list[Candidate],
    findings: Findings,
    difference: Difference | None,
    records: list[Record],
    refused: str | None = None,
) -> list[Cause]:
    """Causes that no experiment could show, each with the elimination that leads to it.

    Args:
        suspects: what was tried.
        findings: what came of it.
        difference: where the runs differ first.
        records: of the repeated runs.
        refused: why files could not be varied; None when they could.
    """
    causes = []
    if "external.state" not in findings.harmless and "external.state" not in findings.proven:
        why = f": {refused}" if refused else ""
        step = difference.step if difference is not None else None
        causes = [
            Cause(
                "external.state",
                False,
                site,
                f"{path} {reason}; not varied by experiment{why}",
                factor("external.state").fix,
            )
            for path, site, reason in changed_inputs(records[0], records[1], step)
        ][:1]
    left = [s for s in suspects if s.id not in findings.harmless and s.id not in findings.proven and s.seen]
    untried = [s for s in left if s.id in findings.untried]
    for suspect in untried:
        causes.append(_cause(suspect, f"could not be pinned: {findings.untried[suspect.id]}", difference))
    if not causes and findings.repeats_when_pinned is False:
        for one in others(records[0].watch, records[1].watch)[:_MOST]:
            causes.append(Cause(one.factor_id, False, None, f"{one.what}; no experiment can hold that", _HANDED))
    if not causes and findings.repeats_when_pinned is False:
        racing = [s for s in left if s.id in ("threads.schedule", "torch.kernels")]
        for suspect in racing[:1]:
            causes.append(
                _cause(
                    suspect,
                    "runs differ although everything else that they use was pinned",
                    findings.residue or difference,
                )
            )
    if not causes and findings.repeats_when_pinned is False:
        until = difference.step if difference is not None else None
        for what, site in taken(records, until)[:_MOST]:
            causes.append(
                Cause(
                    "external.state",
                    False,
                    site,
                    f"runs differ although everything that could be was pinned, and {what}, of which something is taken here, cannot be",
                    _ELSEWHERE,
                )
            )
    if not causes and findings.repeats_when_pinned and not findings.proven:
        for suspect in left:
            causes.append(
                _cause(
                    suspect,
                    "with everything pinned runs agree, but this alone did not bring the difference back",
                    difference,
                )
            )
    return causes


def _cause(suspect: Candidate, evidence: str, difference: Difference | None) -> Cause:
    location = max(suspect.sites, key=lambda s: suspect.sites[s], default=None) or (
        difference.location if difference else None
    )
    return Cause(suspect.id, False, location, evidence, suspect.factor.fix)
