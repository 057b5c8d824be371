"""The JSON documents that the verbs write, checked against docs/schema."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

FOLDER = Path(__file__).parents[1] / "docs" / "schema"


@cache
def schemas() -> dict[str, dict[str, Any]]:
    """Every schema, by the name that a document bears ("reprotest.run/1")."""
    found = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.schema.json"))]
    return {schema["properties"]["schema"]["const"]: schema for schema in found}


@cache
def validator(name: str) -> Draft202012Validator:
    """Schemas refer to each other by the names of their files."""
    resources = [
        (path.name, Resource.from_contents(json.loads(path.read_text()), default_specification=DRAFT202012))
        for path in FOLDER.glob("*.schema.json")
    ]
    registry: Registry[Any] = Registry().with_resources(resources)
    return Draft202012Validator(schemas()[name], registry=registry)


def checked(document: str | dict[str, Any] | Path) -> dict[str, Any]:
    """A document that is as its schema says, with no key at its top that the schema does not know."""
    if isinstance(document, Path):
        document = document.read_text()
    made: dict[str, Any] = json.loads(document) if isinstance(document, str) else document
    validator(made["schema"]).validate(made)
    unknown = made.keys() - schemas()[made["schema"]]["properties"].keys()
    assert not unknown, f"{made['schema']} has keys that its schema does not tell of: {sorted(unknown)}"
    return made
