"""What `compare` and `bisect` found, as lines of text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reprotest.report import words
from reprotest.report.excerpt import clean
from reprotest.result import Difference
from reprotest.secrets import mask_text

if TYPE_CHECKING:
    from reprotest.across.bisect import Bisection
    from reprotest.across.comparison import Comparison, Point

_MOST_CHANGES = 4
_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 64


def lines(found: Comparison, *, quiet: bool = False) -> Iterator[str]:
    """The environment first, then the results."""
    verdict = _verdict(found)
    if quiet:
        yield clean(mask_text(verdict))
        return
    for line in _all(found, verdict):
        yield clean(mask_text(line))


def _verdict(found: Comparison) -> str:
    what = {"manifests": "environments", "locks": "locked results"}.get(found.kind, "results")
    said = "are the same" if found.identical else "differ"
    if found.kind == "revisions":
        return f"The numbers {'did not change' if found.identical else 'changed'} between {found.a} and {found.b}."
    return f"The {what} of {found.a} and {found.b} {said}."


def _all(found: Comparison, verdict: str) -> Iterator[str]:
    yield verdict
    if found.environment:
        yield ""
        yield (
            "What else differs, the likeliest cause first:"
            if found.kind != "manifests"
            else "What differs, what can change results first:"
        )
        yield from findings([finding.to_json() for finding in found.environment])
    elif found.kind == "records":
        yield "Nothing that is recorded of their environments differs."
    for name, said in found.locked.items():
        yield f"  {name}: {said}"
    if found.first_difference is not None:
        yield ""
        yield f"First difference: {_difference(found.first_difference)}"
    if len(found.growth) > 1:
        yield from _plot(found.growth)
    if found.experiments:
        yield ""
        yield "Experiments on this machine:"
        for row in found.experiments:
            yield f"  {row.what}: {row.outcome}" + (f" ({row.note})" if row.note else "")
    yield from found.notes


def findings(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What differs between two environments. `found`: `across.environment.Finding.to_json()`."""
    for number, finding in enumerate(found, start=1):
        known = {"matters": "changes this result", "harmless": "does not change this result"}.get(finding["known"])
        yield f"  {number}. {finding['factor']}" + (f" {known}" if known else "") + f": {finding['evidence']}"
        if finding["a"] is not None or finding["b"] is not None:
            yield f"       {_short(finding['a'])}  →  {_short(finding['b'])}"
        changes = finding["changes"]
        for change in changes[:_MOST_CHANGES]:
            yield f"       {change['key']}: {_short(change['a'])} → {_short(change['b'])}"
        if len(changes) > _MOST_CHANGES:
            yield f"       and {len(changes) - _MOST_CHANGES} more (--json has them)"


def _difference(difference: Difference) -> str:
    size = words.size(difference)
    return words.place(difference) + (f": {size}" if size else "")


def _plot(points: list[Point]) -> Iterator[str]:
    """Orders of magnitude over steps, in one line."""
    known = [point.relative for point in points if point.relative]
    if not known:
        yield f"From step {points[0].step} to {points[-1].step} only bits differ that the kept numbers do not show."
        return
    low, high = math.log10(min(known)), math.log10(max(known))
    every = -(-len(points) // _WIDTH)
    bars = ""
    for start in range(0, len(points), every):
        largest = max((point.relative or 0.0 for point in points[start : start + every]), default=0.0)
        place = (math.log10(largest) - low) / (high - low) if largest and high > low else 1.0 if largest else 0.0
        bars += _BARS[round(place * (len(_BARS) - 1))] if largest else "·"
    yield f"Its growth, largest relative difference of any value, {min(known):.1e} to {max(known):.1e}:"
    yield f"  step {points[0].step} {bars} step {points[-1].step}"


def bisection(found: Bisection, title: Callable[[str], str]) -> Iterator[str]:
    """The verdict of `bisect`."""
    if found.verdict == "identical":
        yield "The numbers are the same at both ends: there is nothing to find."
    elif found.verdict == "unstable":
        yield "Two runs of the good commit differ, so no commit is to blame yet: `python -m reprotest run` finds the cause first."
    elif found.verdict == "error":
        yield "The command cannot be run at one of the two ends: give other commits, or mend the command."
    elif found.commit is not None:
        if len(found.candidates) > 1:
            yield f"The numbers changed in one of {len(found.candidates)} commits, of which only the last can be run:"
            yield from (clean(f"  {title(commit)}") for commit in found.candidates)
        else:
            yield clean(f"The numbers changed in {title(found.commit)}")
    if found.difference is not None:
        yield clean(mask_text(f"First difference: {_difference(found.difference)}"))


def _short(value: Any, most: int = 60) -> str:
    text = "not there" if value is None else str(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"
