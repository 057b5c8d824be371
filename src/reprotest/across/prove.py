"""Proves on this machine which of two environments' differences changed a result: one factor at a time is made like the other side's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from reprotest.across.environment import HARMLESS, MATTERS, Finding, ranked
from reprotest.across.sides import Side
from reprotest.compare.outcome import Outcome, outcome
from reprotest.diagnose.laboratory import Course, Settings, Trial
from reprotest.diagnose.session import as_first
from reprotest.factors import factor
from reprotest.result import Experiment

Env = Mapping[str, str | None]
_MASKED = "***"


class Runs(Protocol):
    """What carries out a run: `Laboratory` does."""

    def run(
        self, settings: Settings, course: Course, *, timeout: float | None = None, env: Env | None = None
    ) -> Trial: ...


def prove(
    lab: Runs,
    a: Side,
    b: Side,
    found: list[Finding],
    timeout: float | None,
    *,
    names: tuple[str, str] = ("A", "B"),
    here: str = "here",
    known: Outcome | None = None,
) -> tuple[list[Finding], list[Experiment]]:
    """Run the command here as it is, then with one factor after the other as on the side that this machine is not.

    Args:
        lab: runs the command.
        a, b: the two sides, both with a record.
        found: what differs between them.
        timeout: seconds that one run may take.
        names: of the sides.
        here: where the runs are made, as an adverb.
        known: the outcome of the command as it is here, where that is known already.

    Returns:
        The findings with what was shown, ranked anew, and the rows of the table of experiments.
    """
    assert a.record is not None
    assert b.record is not None
    course = Course(stop_after_step=a.record.plan.get("stop_after_step"))
    rows: list[Experiment] = []

    def run(what: str, factor_id: str | None, env: Env, judge: Callable[[Outcome], tuple[str, str]]) -> Outcome | None:
        trial = lab.run(as_first(), course, timeout=timeout, env=env)
        made = outcome(trial.record) if trial.usable else None
        result, note = judge(made) if made is not None else ("failed", trial.replica.stderr_tail(1))
        rows.append(Experiment(what, factor_id, result, round(trial.seconds, 3), note=note or None))
        return made

    results = dict(zip(names, (outcome(a.record).digest, outcome(b.record).digest), strict=True))

    def which(made: Outcome) -> str:
        return next((f"as {side}" for side, digest in results.items() if digest == made.digest), "as neither")

    base = known or run("this machine as it is", None, {}, lambda made: ("reference", which(made)))
    if base is None:
        return found, rows
    other, shown = (a, names[0]) if base.digest == results[names[1]] else (b, names[1])
    told = []
    for finding in found:
        env = _env(finding, other)
        if not env:
            told.append(finding)
            continue

        def judge(made: Outcome) -> tuple[str, str]:
            return ("identical" if made.digest == base.digest else "different"), which(made)

        made = run(f"{finding.factor} as {shown}'s, the rest as {here}", finding.factor, env, judge)
        if made is None:
            told.append(finding)
        elif made.digest != base.digest:
            exactly = f", and it is {shown}'s exactly" if made.digest == results[shown] else ""
            told.append(
                replace(
                    finding,
                    known=MATTERS,
                    evidence=f"by experiment: with it alone as {shown}'s the result changes{exactly}",
                )
            )
        else:
            told.append(
                replace(finding, known=HARMLESS, evidence=f"by experiment: with it as {shown}'s the result stays")
            )
    exact = {row.factor for row in rows if row.outcome == "different" and row.note == f"as {shown}"}
    return ranked([replace(f, likely=1.0) if f.factor in exact else f for f in told]), rows


def _env(finding: Finding, other: Side) -> Env | None:
    """What to set so that this machine is like the other side in one factor; None where it cannot be."""
    reading: dict[str, Any] = other.readings.get(finding.factor, {})
    try:
        env = factor(finding.factor).emulate(reading)
    except (KeyError, TypeError, ValueError):
        return None
    if env is None and finding.factor in ("environment", "locale", "timezone"):
        env = {c.key: reading.get(c.key) for c in finding.changes if c.key.isupper()}
    if env is None:
        return None
    return {
        name: value for name, value in env.items() if value is None or (isinstance(value, str) and _MASKED not in value)
    }
