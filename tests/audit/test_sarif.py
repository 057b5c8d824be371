"""SARIF 2.1.0: the parts of the standard's schema that the findings use, written down here as the standard states them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema

TEXT: dict[str, Any] = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {"text": {"type": "string", "minLength": 1}},
}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "additionalProperties": False,
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation", "region"],
            "additionalProperties": False,
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "uri": {"type": "string", "format": "uri-reference", "pattern": "^[^/ ][^ ]*$"},
                        "uriBaseId": {"const": "ROOT"},
                    },
                },
                "region": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"startLine": {"type": "integer", "minimum": 1}},
                },
            },
        }
    },
}
RULE = {
    "type": "object",
    "required": ["id"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string"},
        "shortDescription": TEXT,
        "fullDescription": TEXT,
        "help": TEXT,
        "helpUri": {"type": "string", "pattern": "^https://"},
        "defaultConfiguration": {"type": "object", "additionalProperties": False, "properties": {"level": LEVEL}},
    },
}
RESULT = {
    "type": "object",
    "required": ["message", "ruleId", "ruleIndex", "level", "locations"],
    "additionalProperties": False,
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": TEXT,
        "locations": {"type": "array", "items": LOCATION, "minItems": 1},
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
        "baselineState": {"enum": ["new", "unchanged", "updated", "absent"]},
        "suppressions": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["kind"],
                "additionalProperties": False,
                "properties": {"kind": {"enum": ["inSource", "external"]}, "justification": {"type": "string"}},
            },
        },
    },
}


def test_findings(doctor: Callable[..., tuple[int, str, str]], copy: Callable[[str], Path]) -> None:
    code, out, err = doctor(copy("mixed"), "--sarif", "-")
    assert code == 1
    assert "failed: " in err
    content = json.loads(out)
    assert set(content) == {"$schema", "version", "runs"}
    assert content["version"] == "2.1.0"
    [run] = content["runs"]
    assert set(run) <= {"tool", "originalUriBaseIds", "columnKind", "results"}
    rules = run["tool"]["driver"]["rules"]
    for rule in rules:
        jsonschema.validate(rule, RULE)
    for result in run["results"]:
        jsonschema.validate(result, RESULT)
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    [suppressed] = [result for result in run["results"] if "suppressions" in result]
    assert suppressed["suppressions"] == [{"kind": "external", "justification": "runs on any laptop"}]


def test_what_the_baseline_has_is_unchanged(
    doctor: Callable[..., tuple[int, str, str]], copy: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = copy("bad")
    doctor(folder, "--json", tmp_path / "known.json", "--quiet")
    sarif = tmp_path / "doctor.sarif"
    assert doctor(folder, "--baseline", tmp_path / "known.json", "--sarif", sarif, "--quiet")[0] == 0
    [run] = json.loads(sarif.read_text())["runs"]
    assert {result["baselineState"] for result in run["results"]} == {"unchanged"}
