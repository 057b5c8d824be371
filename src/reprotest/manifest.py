"""This machine's manifest: the present state of every factor, as plain data without secrets."""

from __future__ import annotations

from typing import Any

from reprotest.factors import all_factors
from reprotest.secrets import MASK, is_secret_name, known_secrets, mask_text
from reprotest.version import version

SCHEMA = "reprotest.env/1"


def read() -> dict[str, Any]:
    """Ask every factor for its state. One that cannot be read says why, under `error`; it spoils no other."""
    secrets = known_secrets()
    readings: dict[str, Any] = {}
    for factor in all_factors():
        try:
            reading: Any = dict(factor.read())
        except Exception as error:  # a broken driver or package must not take the manifest with it
            reading = {"error": f"{type(error).__name__}: {error}"}
        readings[factor.id] = _without_secrets(reading, secrets)
    return {"schema": SCHEMA, "reprotest": version(), "factors": dict(sorted(readings.items()))}


def _without_secrets(value: Any, secrets: list[str], name: str = "") -> Any:
    if isinstance(value, dict):
        return {str(key): _without_secrets(item, secrets, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(item, secrets, name) for item in value]
    if isinstance(value, str):
        return MASK if value and is_secret_name(name) else mask_text(value, secrets)
    return value
