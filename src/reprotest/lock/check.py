"""Runs what the lock names and says whether the results are still those, and if not, where they part and what is different."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reprotest.compare import first_difference
from reprotest.compare.outcome import diverging_step
from reprotest.errors import RecordError, UsageError
from reprotest.lock import inputs
from reprotest.lock.file import Lock, Locked
from reprotest.lock.judge import Agreement, Judgement, judge
from reprotest.lock.runs import Done, command_of, laboratory, run_once
from reprotest.options import OnEvent, RunEnded, RunStarted, Stage, StageStarted, ignore
from reprotest.record import Record, open_record
from reprotest.result import Difference
from reprotest.run.catalog import entries
from reprotest.run.store import Store

SCHEMA = "reprotest.verify/1"


@dataclass(frozen=True)
class Suspect:
    """Something that is not as it was when the result was locked: a factor, what it was, and what it is."""

    factor: str
    before: str | None
    now: str | None
    known: bool
    """Was the result shown to depend on this factor?"""


@dataclass
class Checked:
    """What `verify` found for one experiment.

    Attributes:
        name: of the experiment.
        agreement: the verdict.
        said: a sentence.
        class_name: the class that it was compared with; None where there was none.
        judgement: the details; None when the command failed.
        first_difference: where the results part, when the locked run's record is still in the store.
        parted: else (stream, steps until which they agree, steps at which they do not) from the lock's chains.
        suspects: what is different, the likeliest first.
        repeats: does the command give this other result again? None: not tried.
        record: folder of the run.
        seconds: that it took.
    """

    name: str
    agreement: Agreement
    said: str
    class_name: str | None = None
    judgement: Judgement | None = None
    first_difference: Difference | None = None
    parted: tuple[str, int, int | None] | None = None
    suspects: list[Suspect] = field(default_factory=list)
    repeats: bool | None = None
    record: str | None = None
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return self.agreement in (Agreement.IDENTICAL, Agreement.WITHIN)


def verify(
    lock: Lock, root: Path, names: Sequence[str] = (), *, timeout: float | None = None, on_event: OnEvent = ignore
) -> list[Checked]:
    """Run the named experiments, or all, and check each against the lock.

    Args:
        lock: what is expected.
        root: the lock's folder, in which commands run.
        names: experiments; all without any.
        timeout: seconds that one run may take.
        on_event: told about progress.

    Raises:
        UsageError: a name that the lock does not have; an empty lock.
    """
    if not lock:
        raise UsageError("nothing is locked here: `python -m reprotest lock COMMAND` writes reprotest.lock")
    unknown = [name for name in names if name not in lock]
    if unknown:
        raise UsageError(f"the lock has no experiment {unknown[0]!r}; it has {', '.join(sorted(lock))}")
    chosen = list(dict.fromkeys(names)) or sorted(lock)
    on_event(StageStarted(Stage.REPEAT, len(chosen)))
    return [_verify_one(name, lock[name], root, timeout, on_event, n, len(chosen)) for n, name in enumerate(chosen)]


def _verify_one(
    name: str, locked: Locked, root: Path, timeout: float | None, on_event: OnEvent, number: int, of: int
) -> Checked:
    start = time.monotonic()
    command = command_of(name, locked, root)
    on_event(RunStarted(number + 1, of, max((c.outcome.steps for c in locked.classes), default=None)))
    with laboratory(command, on_event) as lab:
        done = run_once(lab, locked.steps, timeout)
        trial = done.trial
        on_event(RunEnded(number + 1, trial.seconds, trial.record.steps, trial.replica.exit_code))
        if done.outcome is None:
            checked = Checked(name, Agreement.ERROR, done.failed or "it failed")
        else:
            judgement = judge(locked, done.outcome, done.platform)
            checked = Checked(name, judgement.agreement, judgement.said, judgement=judgement)
            if judgement.nearest is not None:
                checked.class_name = judgement.nearest.name(locked.depends_on)
            if judgement.agreement in (Agreement.DIFFERENT, Agreement.WITHIN):
                _explain(checked, locked, done, root)
            if judgement.agreement is Agreement.DIFFERENT and not judgement.differing:
                again = run_once(lab, locked.steps, timeout)
                checked.repeats = again.outcome is not None and again.outcome.digest == done.outcome.digest
                lab.discard([trial])
        checked.record = trial.shown(root)
    checked.seconds = time.monotonic() - start
    return checked


def _explain(checked: Checked, locked: Locked, done: Done, root: Path) -> None:
    """Where the results part, and what is different from when the result was locked."""
    assert checked.judgement is not None
    assert done.outcome is not None
    nearest = checked.judgement.nearest
    assert nearest is not None
    record = done.trial.record
    checked.first_difference = _first_difference(record, nearest.outcome.digest)
    if checked.first_difference is None:
        checked.parted = diverging_step(nearest.outcome, done.outcome)
    suspects = [
        Suspect(f, nearest.platform.get(f), done.platform.get(f), f in locked.depends_on)
        for f in checked.judgement.differing
    ]
    config, data = inputs.read_files(record, root)
    suspects += [*_changed("data", locked.data, data), *_changed("config", locked.config, config)]
    now = inputs.seeds(locked.command, dict(record.factors.get("environment", {})))
    suspects += [
        Suspect("environment", f"{k}={v}", f"{k}={now.get(k)}", False)
        for k, v in locked.seeds.items()
        if now.get(k) != v
    ]
    commit = record.factors.get("code", {}).get("commit")
    if nearest.code and isinstance(commit, str) and not commit.startswith(nearest.code):
        suspects.append(Suspect("code", f"commit {nearest.code}", f"commit {commit[:12]}", False))
    elif record.factors.get("code", {}).get("changed_files"):
        suspects.append(Suspect("code", "committed", "changed files that are not committed", False))
    checked.suspects = sorted(suspects, key=lambda s: not s.known)


def _changed(factor: str, before: Mapping[str, str], now: Mapping[str, str]) -> list[Suspect]:
    found = []
    for path in sorted(before.keys() | now.keys()):
        if before.get(path) != now.get(path):
            was, is_ = (f"{path} {files[path]}" if path in files else None for files in (before, now))
            found.append(Suspect(factor, was, is_ or f"{path} is not read any more", False))
    return found


def _first_difference(now: Record, digest: str) -> Difference | None:
    """Between the locked run, if the store still has one with that result, and this one.

    Another experiment may be locked to the very same result, so it takes a record of this command; one that was made in this very
    folder is preferred to one that was brought here from another.
    """
    cwd = now.plan.get("cwd", ".")
    found = None
    for entry in entries(Store.at(str(cwd))):
        if entry.digest != digest or not entry.sealed:
            continue
        try:
            locked = open_record(entry.path)
        except RecordError:
            continue
        try:
            if locked.manifest.get("command") != now.manifest.get("command"):
                continue
            here = locked.plan.get("cwd") == cwd
            if here or found is None:
                found = first_difference(locked, now)
            if here:
                return found
        except RecordError:
            continue
        finally:
            locked.close()
    return found


def document(checked: Sequence[Checked], *, readme: str | None = None) -> dict[str, Any]:
    """As JSON (docs/json.md). `readme`: current | stale; None where it has no such part."""
    return {
        "schema": SCHEMA,
        "verdict": verdict(checked),
        "experiments": {one.name: _document(one) for one in checked},
        "readme": readme,
    }


def verdict(checked: Sequence[Checked]) -> str:
    """passed | failed | error"""
    if any(one.agreement is Agreement.DIFFERENT for one in checked):
        return "failed"
    return "error" if any(one.agreement is Agreement.ERROR for one in checked) else "passed"


def _document(one: Checked) -> dict[str, Any]:
    judgement, difference = one.judgement, one.first_difference
    parted = None if one.parted is None else dict(zip(("stream", "agree_until", "differ_at"), one.parted, strict=True))
    return {
        "verdict": str(one.agreement),
        "said": one.said,
        "class": one.class_name,
        "known_class": judgement.known if judgement else None,
        "values": [value.to_json() for value in judgement.values] if judgement else [],
        "first_difference": difference.to_json() if difference else None,
        "parted": parted,
        "suspects": [vars(suspect) for suspect in one.suspects],
        "repeats": one.repeats,
        "record": one.record,
        "seconds": round(one.seconds, 3),
    }
