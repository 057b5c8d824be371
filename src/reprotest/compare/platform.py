"""On what a run was computed, as few words: one facet for each factor that tells one class of machines from another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reprotest.factors import all_factors
from reprotest.record import Record

Platform = dict[str, str]
"""Factor id → facet. What is missing is not known."""


def platform(record: Record) -> Platform:
    """The platform of a run, as the program itself met it."""
    return facets(record.factors, record.modules)


def facets(readings: Mapping[str, Mapping[str, Any]], modules: frozenset[str] = frozenset()) -> Platform:
    """The facets of a manifest's readings. `modules`: what the program imported, where that is known."""
    found = {}
    for factor in all_factors():
        reading = readings.get(factor.id)
        if not reading or "error" in reading:
            continue
        try:
            facet = factor.facet(reading, modules)
        except (TypeError, ValueError, AttributeError, KeyError):  # a reading that somebody made up
            continue
        if facet is not None:
            found[factor.id] = facet
    return found


def differing(a: Platform, b: Platform) -> list[str]:
    """Factors whose facets differ, in their own order. A facet that is not known in one of them differs from every other."""
    return [factor.id for factor in all_factors() if a.get(factor.id) != b.get(factor.id)]
