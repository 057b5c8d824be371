"""Which factors could have made two runs differ: those that vary between repeats and that these runs used."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from reprotest.factors import Factor, all_factors
from reprotest.factors.external_state import changed_inputs
from reprotest.record import Record
from reprotest.record.event import UNINITIALISED
from reprotest.result import Difference

_DRAWS = re.compile(
    r"^aten::_?(bernoulli|binomial|cauchy|dropout|exponential|geometric|log_normal|multinomial|native_dropout|normal|poisson|rand|"
    r"randint|randn|random|randperm|rrelu|uniform)(_like|_with_noise)?_?(\.|$)"
)
"""Operators that draw from a generator of PyTorch's."""
_ADDS_UP = re.compile(
    r"^aten::_?(index_(put|add|copy|reduce)|scatter|put_|bincount|histc|cumsum|embedding|segment|upsample|grid_sampl)"
)
"""Operators whose parts may arrive in any order: what points at a kernel where much else comes from outside of PyTorch, too."""
_BY_DRAW = ("torch.random", "cuda.random")
_BY_OPERATOR = ("torch.kernels", "memory.uninitialised", "threads.schedule")
_IN_KERNELS = ("torch.kernels", "memory.uninitialised")


@dataclass(frozen=True)
class Candidate:
    """A factor that may be a cause.

    Attributes:
        factor: the factor.
        sites: where the program uses it ("train.py:12" → calls); empty when no use can be seen.
        seen: was a use noted at all?
    """

    factor: Factor
    sites: Mapping[str, int] = field(default_factory=dict)
    seen: bool = False

    @property
    def id(self) -> str:
        return self.factor.id


def uses(records: list[Record]) -> dict[str, dict[str, int]]:
    """Uses per factor and site; calls are those of the run that made most of them."""
    merged: dict[str, dict[str, int]] = {}
    for record in records:
        for factor_id, sites in record.uses().items():
            into = merged.setdefault(factor_id, {})
            for site, calls in sites.items():
                into[site] = max(calls, into.get(site, 0))
    return merged


def candidates(records: list[Record], first: Difference | None = None, *, files_differ: bool) -> list[Candidate]:
    """The factors worth an experiment, likeliest first.

    Args:
        records: the two runs that differ.
        first: where they do, as finely as it was located; None when nobody asks for an order.
        files_differ: did the later run read what the earlier one had changed, and can that be undone?
    """
    used = uses(records)
    modules = frozenset(name for record in records for names in record.extras("modules") for name in names)
    found = []
    for factor in all_factors():
        if not factor.repeats or factor.fixed(os.environ) is not None:
            continue
        if factor.id == "external.state" and not files_differ:
            continue
        sites = used.get(factor.id)
        if factor.id == "external.state" and sites is None:
            # None when the later run read nothing that has changed: then only that a file is there can have mattered.
            sites = {site: 1 for _, site, _ in changed_inputs(records[0], records[1]) if site} or None
        if sites is None and factor.id != "external.state" and not factor.acts_unseen(modules):
            continue
        known = {site: calls for site, calls in (sites or {}).items() if site}
        found.append(Candidate(factor, known, sites is not None))
    return sorted(found, key=lambda candidate: _rank(candidate, first))


def _rank(candidate: Candidate, first: Difference | None) -> tuple[bool, bool, bool, int]:
    """What the first differing operator points at; then what was seen in use; what only works inside of kernels is last where none ran."""
    pointed: tuple[str, ...] = ()
    before = first is not None and first.phase in ("init", "data")
    if first is not None and first.op is not None:
        if _DRAWS.match(first.op):
            pointed = _BY_DRAW
        elif not before or first.name == UNINITIALISED or _ADDS_UP.match(first.op):
            pointed = _BY_OPERATOR
    unlikely = before and candidate.id in _IN_KERNELS and not candidate.sites
    if candidate.id == "external.state" and not candidate.seen:
        unlikely = True  # every run makes its cache folders and writes its results
    return candidate.id not in pointed, unlikely, not candidate.seen, candidate.factor.order
