"""Results as JSON documents for other programs (docs/json.md describes them, docs/schema/ holds their schemas)."""

from __future__ import annotations

import json
import math
from typing import Any

from reprotest.report.files import write_text
from reprotest.report.presentable import presentable
from reprotest.result import RunReport


def document(report: RunReport) -> dict[str, Any]:
    """The document of one `run` (schema reprotest.run/1): without secrets, and strictly JSON."""
    plain: dict[str, Any] = finite(presentable(report).to_json())
    return plain


def finite(value: Any) -> Any:
    """NaN and infinities have no place in JSON: they become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def write(content: dict[str, Any], target: str) -> None:
    """Write a document to a file, whole or not at all, or to standard output ("-").

    Raises:
        UsageError: the file cannot be written.
    """
    write_text(
        "--json", target, json.dumps(finite(content), indent=2, allow_nan=False) + "\n"
    )  # ASCII: safe in any encoding
