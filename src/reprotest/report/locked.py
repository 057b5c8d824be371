"""What `verify` found, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reprotest.report import words
from reprotest.report.excerpt import clean
from reprotest.secrets import mask_text

if TYPE_CHECKING:
    from reprotest.lock.check import Checked

_MOST = 6


def lines(checked: Sequence[Checked], *, readme: str | None = None, quiet: bool = False) -> Iterator[str]:
    """A line an experiment, and below it, unless quiet, what is known about a difference."""
    for one in checked:
        where = f" ({one.class_name})" if one.class_name else ""
        said, *more = mask_text(one.said).splitlines() or [""]
        yield clean(f"{one.name}: {said}{where}")
        if not quiet:
            yield from (f"  {clean(line)}" for line in more)
            yield from (f"  {clean(mask_text(line))}" for line in _details(one))
    if readme == "stale" and not quiet:
        yield "README.md says other results than the lock: `python -m reprotest lock --readme` brings it in step"


def _details(one: Checked) -> Iterator[str]:
    judgement = one.judgement
    if judgement is None:
        return
    if one.first_difference is not None:
        size = words.size(one.first_difference)
        yield f"first difference: {words.place(one.first_difference)}" + (f": {size}" if size else "")
    elif one.parted is not None:
        stream, agree, differ = one.parted
        of = "" if stream == "main" else f" of {stream}"
        until = f"the results{of} agree until {words.count(agree, 'step')} are done"
        yield (
            f"{until} and differ after {words.count(differ, 'step')}"
            if differ is not None
            else f"{until}, then one ends"
        )
    for value in [*(v for v in judgement.values if not v.holds), *(v for v in judgement.values if v.holds)][:_MOST]:
        verdict = "within" if value.holds else "beyond"
        yield f"{value.name}: {_number(value.found)} instead of {_number(value.expected)}" + (
            f", {verdict} {value.tolerance}" if value.tolerance else ""
        )
    if len(judgement.values) > _MOST:
        yield f"and {len(judgement.values) - _MOST} more values (--json has them)"
    if one.repeats is False:
        yield "the command does not repeat on this machine either: `python -m reprotest run` finds the cause"
    for suspect in one.suspects:
        known = ", on which the result was shown to depend" if suspect.known else ""
        yield f"other than when it was locked{known}: {suspect.factor}: {suspect.before} → {suspect.now}"
    if not one.suspects and one.agreement == "different" and one.repeats is not False:
        yield "nothing that is recorded has changed: neither code, data, configuration nor platform"


def _number(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.9g}"
