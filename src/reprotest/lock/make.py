"""Writes results into the lock: runs a command until it is known to repeat, and keeps what came out."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from reprotest import api
from reprotest.compare.outcome import Outcome, outcome
from reprotest.compare.platform import Platform, differing, platform
from reprotest.errors import UsageError
from reprotest.factors import Factor, Setting, all_factors
from reprotest.lock import file, inputs
from reprotest.lock.file import Locked, PlatformClass
from reprotest.lock.runs import laboratory, run_once
from reprotest.lock.tolerance import EVERY, Tolerance
from reprotest.options import OnEvent, RunOptions, ignore
from reprotest.record import Record, open_record
from reprotest.result import RunReport, Verdict
from reprotest.run.command import Command
from reprotest.run.store import Store
from reprotest.secrets import mask_command

_DEFAULT = {EVERY: Tolerance("relative", 0.01)}


@dataclass
class Made:
    """What `lock` did for one experiment.

    Attributes:
        name: of the experiment.
        report: of the repeated runs; only when they agree is anything written.
        state: new | unchanged | changed | added | refused.
        locked: what the lock says now; None when refused.
        class_name: the class of this machine.
        notes: sentences for people.
    """

    name: str
    report: RunReport
    state: str = "refused"
    locked: Locked | None = None
    class_name: str = ""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Request:
    """What to lock, and how.

    Attributes:
        name: of the experiment.
        words: the command, a leading "--" included.
        command: the same, parsed.
        options: how often and how far to run it.
        tolerances: declared ones; they replace those that the lock has for the same values.
        add: keep the results of other classes and add this machine's.
        vary: perturb the factors that tell classes apart, as far as this machine can, to find on which the result depends.
    """

    name: str
    words: tuple[str, ...]
    command: Command
    options: RunOptions
    tolerances: dict[str, Tolerance] = field(default_factory=dict)
    add: bool = False
    vary: bool = False


def make(request: Request, lock_file: Path, on_event: OnEvent = ignore) -> Made:
    """Run an experiment and write or extend the lock; a command that does not repeat is refused, and nothing is written.

    Raises:
        UsageError: the command line holds a secret; the lock would contradict itself.
        RecordError: the lock there is cannot be read.
        StorageError: it cannot be written.
    """
    if mask_command(request.words) != list(request.words):
        raise UsageError(
            "the command line holds a secret, which must not get into a file that is kept in git: "
            "hand it to the program in an environment variable"
        )
    file.read(lock_file)  # a damaged one is better known before the runs than after
    report = api.session(request.command, request.options, on_event)
    made = Made(request.name, report)
    if report.verdict is not Verdict.IDENTICAL or report.interrupted:
        return made
    record = open_record(Path(request.command.cwd, report.records[0]))
    try:
        here = PlatformClass(platform(record), outcome(record), _commit(record))
        fresh = _described(request, record, lock_file.parent)
    finally:
        record.close()
    if request.vary:
        fresh = _varied(request, fresh, here.outcome, on_event)
    scratch = Store.at(str(lock_file.parent)).root
    with file.held(scratch):
        lock = file.read(lock_file)
        made.locked = merged(made, lock.get(request.name), fresh, here, add=request.add)
        made.class_name = here.name(made.locked.depends_on)
        if lock.get(request.name) != made.locked:
            file.write(lock_file, {**lock, request.name: made.locked}, scratch)
    return made


def merged(made: Made, old: Locked | None, fresh: Locked, here: PlatformClass, *, add: bool) -> Locked:
    """The experiment with this machine's result; says in `made` what became of it.

    Raises:
        UsageError: it is to be added, but the lock has another command or another result for the very same class.
    """
    if old is None:
        made.state = "new"
        return replace(fresh, classes=(here,), tolerances=fresh.tolerances or _DEFAULT)
    same_command = (old.command, old.directory, old.steps) == (fresh.command, fresh.directory, fresh.steps)
    tolerances = {**old.tolerances, **fresh.tolerances} or _DEFAULT
    depends = dict.fromkeys([*old.depends_on, *fresh.depends_on])
    independent = [f for f in dict.fromkeys([*old.independent_of, *fresh.independent_of]) if f not in depends]
    if add and not same_command:
        raise UsageError(
            f"{made.name} is locked with another command ({' '.join(old.command)}): add the result of that one, or leave --add out"
        )
    equal = [c for c in old.classes if c.outcome.digest == here.outcome.digest]
    same_class = [c for c in old.classes if _same_class(c.platform, here.platform, independent)]
    if add and not equal and same_class:
        raise UsageError(
            f"{made.name} is locked on this class of machines with another result: find out why (`verify {made.name}`), or lock it "
            "without --add, which replaces the result"
        )
    if add or (same_command and equal):
        if equal:
            made.state, kept = "unchanged", list(old.classes)
        else:
            made.state = "added"
            for factor in _shown_to_matter(old.classes, here, tuple(depends), tuple(independent)):
                depends[factor] = None
                made.notes.append(f"the result was shown to depend on {factor}")
            kept = [*old.classes, here]
    else:
        made.state = "changed"
        kept = [here]
        if len(old.classes) > 1:
            made.notes.append(
                f"{len(old.classes) - 1} other classes of machines had the earlier result and are gone: "
                "run `lock --add` on those machines"
            )
    return replace(
        fresh,
        depends_on=tuple(sorted(depends)),
        independent_of=tuple(sorted(f for f in independent if f not in depends)),
        tolerances=tolerances,
        classes=tuple(kept),
    )


def _same_class(a: Platform, b: Platform, independent: list[str]) -> bool:
    return all(factor in independent for factor in differing(a, b))


def _shown_to_matter(
    classes: tuple[PlatformClass, ...], here: PlatformClass, depends: tuple[str, ...], independent: tuple[str, ...]
) -> list[str]:
    """The factors that this other result shows it to depend on: what differs from the most similar class.

    Nothing when a factor differs that is known to matter, since that explains it.
    """
    apart = [[f for f in differing(c.platform, here.platform) if f not in independent] for c in classes]
    least = min(apart, key=len, default=[])
    return [] if any(f in depends for f in least) else least


def _described(request: Request, record: Record, root: Path) -> Locked:
    config, data = inputs.read_files(record, root)
    directory = os.path.relpath(request.command.cwd, root)
    if directory.startswith(".."):
        raise UsageError(f"{request.command.cwd} lies outside of {root}, where the lock is: start from inside")
    return Locked(
        command=request.words,
        directory=directory,
        steps=request.options.steps,
        seeds=inputs.seeds(request.words, dict(record.factors.get("environment", {}))),
        config=config,
        data=data,
        tolerances=request.tolerances,
    )


def _varied(request: Request, fresh: Locked, expected: Outcome, on_event: OnEvent) -> Locked:
    """One run for every other value that this machine can give to a factor which tells classes apart."""
    depends, independent = [], []
    with laboratory(request.command, on_event) as lab:
        for factor in all_factors():
            if type(factor).facet is Factor.facet:
                continue
            variants = [k for k in range(1, 4) if factor.perturb(k) is not None]
            for k in variants:
                done = run_once(
                    lab, request.options.steps, request.options.timeout, {factor.id: Setting(request.options.seed, k)}
                )
                if done.outcome is not None and done.outcome.digest != expected.digest:
                    depends.append(factor.id)
                    break
            else:
                if variants:
                    independent.append(factor.id)
        lab.discard([])
    return replace(fresh, depends_on=tuple(depends), independent_of=tuple(independent))


def _commit(record: Record) -> str | None:
    commit = record.factors.get("code", {}).get("commit")
    return commit[:12] if isinstance(commit, str) else None
