"""The file `reprotest.lock`: what it says, and how it is read and written."""

from __future__ import annotations

import fcntl
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reprotest.compare import outcome as outcomes
from reprotest.compare.outcome import Outcome
from reprotest.compare.platform import Platform
from reprotest.errors import RecordError, StorageError, UsageError
from reprotest.lock import toml
from reprotest.lock.tolerance import Tolerance, parse
from reprotest.record.files import write_whole

NAME = "reprotest.lock"
SCHEMA = "reprotest.lock/1"
_MOST = 32 << 20
_HEAD = """\
# The results that this project's experiments must give again, on each class of machines that was tried.
# Written by `python -m reprotest lock`, checked by `python -m reprotest verify`; keep it in version control.
# Tolerances may be edited; they are for machines of a class that is not listed here.
"""


@dataclass(frozen=True)
class PlatformClass:
    """The result on one class of machines.

    Attributes:
        platform: on what it was computed, a facet a factor.
        outcome: what came out.
        code: commit at which it was locked; None where there was none.
    """

    platform: Platform
    outcome: Outcome
    code: str | None = None

    def name(self, factors: tuple[str, ...]) -> str:
        """The class in a few words: the facets on which the result depends, or else the usual ones."""
        chosen = factors or ("cpu.isa", "threads.count", "gpu.hardware")
        words = [
            f"{facet} threads" if factor == "threads.count" and facet.isdigit() else facet
            for factor in chosen
            if (facet := self.platform.get(factor, "unknown")) != "none"
        ]
        return ", ".join(words)


@dataclass(frozen=True)
class Locked:
    """One experiment.

    Attributes:
        command: its words, as after `run`; a leading "--" included.
        directory: where it runs, relative to the lock's folder.
        steps: compared optimiser steps; None: to the end.
        depends_on: factors on which the result was shown to depend.
        independent_of: factors that were shown not to change it.
        seeds: what the command and its environment say about seeds.
        config, data: digests of the files that it read, by path.
        tolerances: for classes that are not listed, by value; "*" for all others.
        classes: the results.
    """

    command: tuple[str, ...]
    directory: str = "."
    steps: int | None = None
    depends_on: tuple[str, ...] = ()
    independent_of: tuple[str, ...] = ()
    seeds: dict[str, str] = field(default_factory=dict)
    config: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    tolerances: dict[str, Tolerance] = field(default_factory=dict)
    classes: tuple[PlatformClass, ...] = ()


Lock = dict[str, Locked]
"""Experiments by name."""


def locate(start: str | Path) -> Path:
    """The lock of a folder: in it or in the nearest one above, up to the repository's root; else where it would be written."""
    start = Path(start).absolute()
    for folder in (start, *start.parents):
        if (folder / NAME).is_file():
            return folder / NAME
        if (folder / ".git").exists():
            break
    return start / NAME


def read(path: Path) -> Lock:
    """What a lock says; empty when there is none.

    Raises:
        RecordError: it is not a lock, or one of a newer kind.
    """
    try:
        if path.stat().st_size > _MOST:
            raise RecordError(f"{path} is larger than {_MOST >> 20} MiB, so it is no lock of ours")
        document = tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML: a merge conflict, most often
        raise RecordError(f"{path} is not valid TOML: {error}; resolve the conflict, or lock again") from error
    if document.get("schema") != SCHEMA:
        raise RecordError(
            f"{path} says schema = {document.get('schema')!r:.60}, expected {SCHEMA!r}: use a newer reprotest, or lock again"
        )
    try:
        return {
            str(name): _experiment(f"{path}, experiment {name}", raw)
            for name, raw in document.get("experiments", {}).items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(f"{path} cannot be understood: {error!r:.120}; lock again") from error


def dumps(lock: Lock) -> str:
    """The text of a lock: sorted, and the same for the same content."""
    document = {"schema": SCHEMA, "experiments": {name: _plain(locked) for name, locked in lock.items()}}
    return f"{_HEAD}{toml.dumps(document)}"


def write(path: Path, lock: Lock, scratch: Path) -> None:
    """Replace the lock, whole or not at all. `scratch`: a folder of ours on the same file system for what is half written.

    Raises:
        StorageError: it cannot be written.
    """
    replace_file(path, dumps(lock), scratch)


def replace_file(path: Path, text: str, scratch: Path) -> None:
    """Write a file of the user's whole or not at all, without leaving anything beside it. Raises StorageError."""
    part = scratch / f"{path.name}.{os.getpid()}"
    if os.stat(scratch).st_dev != os.stat(path.parent).st_dev:  # a store elsewhere: what is half written lies beside
        part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write_whole(path, text, part=part)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}; give write access or make room") from error


@contextmanager
def held(scratch: Path) -> Iterator[None]:
    """Keep others from changing the lock between reading and writing it."""
    try:
        descriptor = os.open(scratch / "lock.held", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise StorageError(f"cannot write to {scratch}: {error.strerror or error}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def referred(start: str | Path) -> frozenset[str]:
    """Digests of the outcomes that the lock of a folder names; none where it cannot be read."""
    try:
        lock = read(locate(start))
    except RecordError:
        return frozenset()
    return frozenset(c.outcome.digest for locked in lock.values() for c in locked.classes)


# --- one experiment ---------------------------------------------------------------------------------------------


def _plain(locked: Locked) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "command": list(locked.command),
        "depends_on": sorted(locked.depends_on),
        "independent_of": sorted(locked.independent_of),
        "seeds": locked.seeds,
        "config": locked.config,
        "data": locked.data,
        "tolerances": {name: str(tolerance) for name, tolerance in locked.tolerances.items()},
        "classes": [_plain_class(c) for c in sorted(locked.classes, key=lambda c: sorted(c.platform.items()))],
    }
    if locked.directory != ".":
        plain["directory"] = locked.directory
    if locked.steps is not None:
        plain["steps"] = locked.steps
    return {key: value for key, value in plain.items() if value or key == "command"}


def _plain_class(made: PlatformClass) -> dict[str, Any]:
    raw = outcomes.to_json(made.outcome)
    raw["values"] = made.outcome.values
    raw["chains"] = {key: [f"{step} {link}" for step, link in chain] for key, chain in raw["chains"].items()}
    return {**raw, "platform": made.platform, **({"code": made.code} if made.code else {})}


def _experiment(where: str, raw: Mapping[str, Any]) -> Locked:
    steps = raw.get("steps")
    if not isinstance(raw["command"], list) or not raw["command"]:
        raise TypeError(f"command is {raw['command']!r:.60}, expected a list of words")
    try:
        tolerances = {str(name): parse(str(text)) for name, text in raw.get("tolerances", {}).items()}
    except UsageError as error:
        raise RecordError(f"{where}: {error}") from error
    return Locked(
        command=tuple(str(word) for word in raw["command"]),
        directory=str(raw.get("directory", ".")),
        steps=None if steps is None else int(steps),
        depends_on=tuple(str(f) for f in raw.get("depends_on", ())),
        independent_of=tuple(str(f) for f in raw.get("independent_of", ())),
        seeds=_texts(raw.get("seeds", {})),
        config=_texts(raw.get("config", {})),
        data=_texts(raw.get("data", {})),
        tolerances=tolerances,
        classes=tuple(_class(where, item) for item in raw.get("classes", ())),
    )


def _class(where: str, raw: Mapping[str, Any]) -> PlatformClass:
    chains = {key: [link.split(" ") for link in chain] for key, chain in raw.get("chains", {}).items()}
    outcome = outcomes.from_json(where, {"values": {}, **raw, "chains": chains})
    return PlatformClass(_texts(raw.get("platform", {})), outcome, str(raw["code"]) if "code" in raw else None)


def _texts(raw: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in raw.items()}
