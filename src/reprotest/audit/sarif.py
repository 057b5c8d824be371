"""Findings as SARIF 2.1.0 (OASIS), which code hosts show beside the lines."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from reprotest.audit.examine import Audit
from reprotest.version import version

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def document(audit: Audit) -> dict[str, Any]:
    """One run of one tool. What the project ignores is suppressed with its reason; what the baseline has is `unchanged`."""
    index = {check.id: number for number, check in enumerate(audit.checks)}
    rules = [
        {
            "id": check.id,
            "shortDescription": {"text": check.title},
            "fullDescription": {"text": f"{check.title}: {check.why}."},
            "help": {"text": check.fix},
            "helpUri": check.source,
            "defaultConfiguration": {"level": str(check.severity)},
        }
        for check in audit.checks
    ]
    results = []
    for finding in audit.findings:
        result: dict[str, Any] = {
            "ruleId": finding.id,
            "ruleIndex": index[finding.id],
            "level": str(finding.severity),
            "message": {"text": f"{finding.message}. Fix: {finding.fix}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(finding.file), "uriBaseId": "ROOT"},
                        "region": {"startLine": finding.line},
                    }
                }
            ],
            "partialFingerprints": {"reprotest/v1": finding.fingerprint},
            "baselineState": "unchanged" if finding.known else "new",
        }
        if finding.reason is not None:
            result["suppressions"] = [{"kind": "external", "justification": finding.reason}]
        results.append(result)
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "reprotest doctor", "version": version(), "rules": rules}},
                "originalUriBaseIds": {"ROOT": {"description": {"text": "the root of the repository"}}},
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }
