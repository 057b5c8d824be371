"""The audit as a whole: every check over one repository, with what the project ignores and what was known before."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reprotest.audit.checks import all_checks
from reprotest.audit.finding import Check, Finding, Severity
from reprotest.audit.repository import Repository
from reprotest.config.suggest import did_you_mean
from reprotest.errors import ConfigError, UsageError

SCHEMA = "reprotest.doctor/1"


@dataclass(frozen=True)
class Audit:
    """What was found.

    Attributes:
        root: the repository.
        checks: those that were made.
        findings: by severity, then file and line.
    """

    root: Path
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        return not any(finding.fails for finding in self.findings)

    def count(self, severity: Severity) -> int:
        """Findings of this severity that count."""
        return sum(f.severity is severity and f.reason is None and not f.known for f in self.findings)

    def to_json(self) -> dict[str, Any]:
        """The document that `--json` writes, and `--baseline` reads."""
        return {
            "schema": SCHEMA,
            "verdict": "passed" if self.passed else "failed",
            "counts": {str(severity): self.count(severity) for severity in Severity},
            "checks": [
                {
                    "id": check.id,
                    "severity": str(check.severity),
                    "title": check.title,
                    "passed": not any(f.check is check and f.reason is None for f in self.findings),
                }
                for check in self.checks
            ],
            "findings": [
                {
                    "id": finding.id,
                    "severity": str(finding.severity),
                    "file": finding.file,
                    "line": finding.line,
                    "message": finding.message,
                    "factor": finding.factor,
                    "why": finding.check.why,
                    "source": finding.check.source,
                    "fix": finding.fix,
                    "fixable": finding.check.mend is not None,
                    "ignored": finding.reason,
                    "in_baseline": finding.known,
                    "fingerprint": finding.fingerprint,
                }
                for finding in self.findings
            ],
        }


_ORDER = list(Severity)


def examine(
    repository: Repository, ignored: Mapping[str, str] | None = None, baseline: Counter[str] | None = None
) -> Audit:
    """Make every check.

    Args:
        repository: what to look at.
        ignored: check id → why it does not apply.
        baseline: fingerprints of findings that are known, and how often each.
    """
    known = Counter(baseline or {})
    reasons = ignored or {}
    findings: list[Finding] = []
    for check in all_checks():
        for found in check.find(repository):
            finding = Finding(
                check,
                found.message,
                found.file,
                found.line,
                found.severity or check.severity,
                found.fix or check.fix,
                found.factor,
                reasons.get(check.id),
            )
            if known[finding.fingerprint] > 0:
                known[finding.fingerprint] -= 1
                finding = replace(finding, known=True)
            findings.append(finding)
    findings.sort(key=lambda f: (_ORDER.index(f.severity), f.file, f.line, f.id, f.message))
    return Audit(repository.root, all_checks(), tuple(findings))


def refuse_unknown(ignored: Iterable[str], where: Path | None) -> None:
    """Raise ConfigError for an id that no check has: a rule with a misspelt name would be without effect, silently."""
    known = [check.id for check in all_checks()]
    for name in ignored:
        if name not in known:
            raise ConfigError(f"{where}, doctor.ignore: there is no check {name!r}; {did_you_mean(name, known)}")


def read_baseline(file: Path) -> Counter[str]:
    """The findings of an earlier audit, as its `--json` wrote them.

    Raises:
        UsageError: there is no such file, or it is no such document.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise ValueError
        return Counter(str(finding["fingerprint"]) for finding in content["findings"])
    except FileNotFoundError:
        raise UsageError(
            f"there is no baseline {file}: make one with `python -m reprotest doctor --json {file}`"
        ) from None
    except OSError as error:
        raise UsageError(f"the baseline {file} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{file} is no baseline: expected what `python -m reprotest doctor --json {file}` writes"
        ) from error
