"""What differs between two environments, factor by factor, those first that can have changed the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reprotest.compare.platform import facets
from reprotest.factors import all_factors
from reprotest.factors.packages import Packages
from reprotest.result import Difference

Readings = Mapping[str, Mapping[str, Any]]
MATTERS, UNKNOWN, HARMLESS = "matters", "unknown", "harmless"
_RANK = {MATTERS: 0, UNKNOWN: 1, HARMLESS: 2}

_ROUNDING = 1e-3
"""A first difference below this, relative, is one of rounding: another order of adding, another code path."""
_LIKELY = {
    "gpu.hardware": 0.95, "code": 0.9, "data": 0.9, "packages": 0.85, "cpu.isa": 0.8, "threads.count": 0.8, "config": 0.75,
    "interpreter": 0.6, "system": 0.5, "locale": 0.35, "timezone": 0.3, "environment": 0.4, "cwd": 0.1,
}  # fmt: skip
"""How likely a factor is to change a result if what differs of it can; from `vary` over the zoo's and the trainers' scripts."""
_BY_ROUNDING = ("gpu.hardware", "packages", "cpu.isa", "threads.count", "system")
_ASIDE = 0.1
"""What is left of that for what differs of a factor beside its facet: the kernel's version, the path of the interpreter."""
_PATHS = ("PATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR", "CONDA_PREFIX", "CONDA_DEFAULT_ENV")
_MASKED = "***"


@dataclass(frozen=True)
class Change:
    """One fact of a reading that differs. None: that side does not have it."""

    key: str
    a: Any
    b: Any


@dataclass(frozen=True)
class Finding:
    """One factor that differs between two environments.

    Attributes:
        factor: its id.
        changes: what of its reading differs.
        a, b: its facets, where it has any and they differ.
        likely: how likely it is to have changed the result, from 0 to 1, before anything is known of this command.
        known: matters | unknown | harmless: what is known of this command.
        evidence: how that is known, or why it is likely.
    """

    factor: str
    changes: tuple[Change, ...]
    a: str | None = None
    b: str | None = None
    likely: float = 0.0
    known: str = UNKNOWN
    evidence: str = ""
    fix: str = field(default="", compare=False)

    def to_json(self) -> dict[str, Any]:
        changes = [vars(change) for change in self.changes]
        keys = ("factor", "known", "evidence", "likely", "a", "b", "fix")
        return {**{key: getattr(self, key) for key in keys}, "changes": changes}


def differences(
    a: Readings, b: Readings, *, modules: frozenset[str] = frozenset(), first: Difference | None = None
) -> list[Finding]:
    """Every factor whose reading differs, the likeliest first.

    Args:
        a, b: readings by factor.
        modules: what the program imported: other packages cannot have changed it. Empty: not known.
        first: where the results part; its size and phase tell rounding from other data.
    """
    ours, theirs = facets(a, modules), facets(b, modules)
    elsewhere = {name for factor in a.keys() | b.keys() if factor != "environment"
                 for side in (a, b) for name in _names(side.get(factor, {}))}  # fmt: skip
    found = []
    for factor in all_factors():
        changes = tuple(_changes(a.get(factor.id, {}), b.get(factor.id, {})))
        if factor.id == "environment":  # OMP_NUM_THREADS is told of under threads.count
            changes = tuple(change for change in changes if change.key not in elsewhere)
        if not changes:
            continue
        facet = (ours.get(factor.id), theirs.get(factor.id))
        parted = facet[0] != facet[1]
        likely, why = _likelihood(factor.id, changes, parted, modules, first)
        shown = facet if parted else (None, None)
        found.append(Finding(factor.id, changes, *shown, round(likely, 3), UNKNOWN, why, factor.fix))
    return ranked(found)


def ranked(findings: list[Finding]) -> list[Finding]:
    """What is known to matter first, what is known not to last; between them by likelihood."""
    order = {factor.id: number for number, factor in enumerate(all_factors())}
    return sorted(findings, key=lambda f: (_RANK[f.known], -f.likely, order.get(f.factor, 0)))


def informed(findings: list[Finding], known: Mapping[str, tuple[str, str]]) -> list[Finding]:
    """The findings with what is known of this command: factor → (matters | harmless, how it is known)."""
    told = [
        replace(f, known=known[f.factor][0], evidence=known[f.factor][1]) if f.factor in known else f for f in findings
    ]
    return ranked(told)


def _likelihood(
    factor: str, changes: tuple[Change, ...], parted: bool, modules: frozenset[str], first: Difference | None
) -> tuple[float, str]:
    likely = _LIKELY.get(factor, 0.3)
    if factor == "packages":
        read = {change.key: "" for change in changes}
        used = set(Packages.imported(read, modules))
        if not used:
            return likely * _ASIDE, "the program imports none of these packages"
        why = (
            "the program imports " + ", ".join(sorted(used)[:5])
            if modules
            else "whether the program imports them is not known"
        )
    elif factor == "environment":
        if all(change.key in _PATHS for change in changes):
            return likely * _ASIDE, "paths only"
        if all(_MASKED in (change.a, change.b) or change.key in _PATHS for change in changes):
            return likely * _ASIDE, "no variable that libraries of this field are known to read"
        why = "variables that libraries read"
    elif factor in ("interpreter", "system", "cpu.isa", "threads.count", "gpu.hardware") and not parted:
        return likely * _ASIDE, "what can change a result is the same"
    else:
        why = "results are known to depend on it in general"
    if first is not None:
        small = first.max_rel is not None and first.max_rel < _ROUNDING and first.phase not in ("data", "init")
        if small and factor in _BY_ROUNDING:
            return min(1.0, likely + 0.1), f"{why}; the difference begins as one of rounding"
        if not small and first.max_rel is not None and factor in ("threads.count", "cpu.isa"):
            return likely - 0.2, f"{why}; but the difference does not begin as one of rounding"
    return likely, why


def _changes(a: Any, b: Any, key: str = "") -> Iterator[Change]:
    """The leaves that differ, by dotted keys; lists are compared as wholes."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for name in sorted(a.keys() | b.keys(), key=str):
            yield from _changes(a.get(name), b.get(name), f"{key}.{name}" if key else str(name))
    elif isinstance(a, Mapping) and b is None:
        yield from _changes(a, dict.fromkeys(a), key)
    elif isinstance(b, Mapping) and a is None:
        yield from _changes(dict.fromkeys(b), b, key)
    elif a != b:
        yield Change(key, a, b)


def _names(reading: Mapping[str, Any]) -> Iterator[str]:
    """Environment variables of which a factor's reading tells."""
    for name, value in reading.items():
        if isinstance(value, Mapping):
            yield from _names(value)
        elif str(name).isupper():
            yield str(name)
