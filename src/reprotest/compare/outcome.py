"""The result of one run as a few digests and numbers: enough to tell equal results, to place a difference, and to judge tolerances."""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from reprotest.compare.output import masked_lines
from reprotest.compare.pairs import is_numbered, unnumbered
from reprotest.errors import RecordError
from reprotest.record.directory import Record
from reprotest.record.event import Phase
from reprotest.record.stream import Segment, Stream

RESULT = "result.json"
"""Where a sealed record holds its outcome."""

SHORT = 16
"""Hexadecimal digits of a link of a chain."""
_MOST_VALUES = 256
_SCALARS = (Phase.LOSS, Phase.METRIC, Phase.OUTPUT)

Chain = tuple[tuple[int, str], ...]
"""(completed steps, digest of all frames up to there), at growing distances and at the end."""


@dataclass(frozen=True)
class Outcome:
    """What came out of one run.

    Attributes:
        digest: equal digests are equal results, bit for bit (32 hexadecimal digits).
        algorithm: the hash of the values beneath; digests of different ones cannot be compared. "output" where nothing but the
            printed lines could be compared.
        steps: completed optimiser steps of the longest stream.
        chains: of each process and thread.
        values: last value of every scalar that was a loss, a metric or an output; without any, root mean squares of what was
            last updated or put out (of a sample of its elements), so that there is something to judge by.
    """

    digest: str
    algorithm: str
    steps: int
    chains: dict[str, Chain]
    values: dict[str, float]

    @property
    def output_only(self) -> bool:
        return self.algorithm == "output"


def outcome(record: Record) -> Outcome:
    """The outcome of a finished run. Raises RecordError where the record is damaged."""
    streams = {key: stream for key, stream in record.streams.items() if _compared(stream)}
    if not streams:
        return Outcome(_output_digest(record.path), "output", 0, {}, {})
    chains = {key: _chain(stream) for key, stream in streams.items()}
    links = sorted(f"{_family(key)} {digest}" for key, (digest, _, _) in chains.items())
    algorithms = {f"{s.algorithm}{'' if s.byte_order == b'<' else ' big-endian'}" for s in streams.values()}
    return Outcome(
        hashlib.sha256("\n".join(links).encode()).hexdigest()[: 2 * SHORT],
        ", ".join(sorted(algorithms)),
        max(steps for _, steps, _ in chains.values()),
        {key: marks for key, (_, _, marks) in chains.items()},
        _values(streams),
    )


def diverging_step(ours: Outcome, theirs: Outcome) -> tuple[str, int, int | None] | None:
    """Between which two numbers of completed steps two outcomes part, by their chains alone.

    Returns:
        The stream, the steps up to which both agree, and the steps at which they do not any more (None: one of them has ended
        before). None when the chains do not tell.
    """
    found = []
    for key in ours.chains.keys() & theirs.chains.keys():
        a, b = dict(ours.chains[key]), dict(theirs.chains[key])
        common = sorted(a.keys() & b.keys())
        same = [step for step in common if a[step] == b[step]]
        parted = [step for step in common if a[step] != b[step]]
        if parted or a.keys() != b.keys():
            found.append((max(same, default=0), parted[0] if parted else None, key))
    if not found:
        return None
    after, before, key = min(found, key=lambda f: (f[0], f[2] != "main", f[2]))
    return key, after, before


def to_json(made: Outcome) -> dict[str, Any]:
    """As plain data. Infinities and NaN as text."""
    return {
        "digest": made.digest,
        "hash": made.algorithm,
        "steps": made.steps,
        "chains": {key: [list(link) for link in chain] for key, chain in sorted(made.chains.items())},
        "values": {k: v if math.isfinite(v) else str(v) for k, v in sorted(made.values.items())},
    }


def from_json(where: str, raw: Any) -> Outcome:
    """From plain data that anyone may have written.

    Raises:
        RecordError: it is no outcome; `where` names the file.
    """
    try:
        chains = {
            str(key): tuple((int(step), str(digest)) for step, digest in chain) for key, chain in raw["chains"].items()
        }
        values = {str(name): float(value) for name, value in raw["values"].items()}
        return Outcome(str(raw["digest"]), str(raw["hash"]), int(raw["steps"]), chains, values)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise RecordError(f"{where} cannot be read: {error!r:.120}; record the run again") from error


# --- chains -----------------------------------------------------------------------------------------------------


def _chain(stream: Stream) -> tuple[str, int, Chain]:
    """The digest over all roots, the completed steps, and the marks on the way."""
    hasher, steps = hashlib.sha256(), 0
    chain: list[tuple[int, str]] = []
    for segment in _compared_segments(stream):
        roots = np.ascontiguousarray(segment.roots).data
        if not stream.template(segment.template).completes_step:
            hasher.update(roots)
            continue
        at = 0
        for mark in _marks_between(steps, steps + segment.count):
            hasher.update(roots[at : mark - steps])
            at = mark - steps
            chain.append((mark, hasher.hexdigest()[:SHORT]))
        hasher.update(roots[at:])
        steps += segment.count
    whole = hasher.hexdigest()
    if not chain or chain[-1][1] != whole[:SHORT]:
        chain = [*(link for link in chain if link[0] < steps), (steps, whole[:SHORT])]
    return whole[: 2 * SHORT], steps, tuple(chain)


@cache
def _marks() -> tuple[int, ...]:
    """1, 2, 3, 4, 6, 8, 12, 16, 24, …: most runs part early, and a lock must stay small."""
    return tuple(sorted({n for k in range(48) for n in (1 << k, 3 << k >> 1)}))


def _marks_between(after: int, last: int) -> tuple[int, ...]:
    return _marks()[bisect_right(_marks(), after) : bisect_right(_marks(), last)]


def _compared(stream: Stream) -> bool:
    return next(_compared_segments(stream), None) is not None


def _compared_segments(stream: Stream) -> Iterator[Segment]:
    return (s for s in stream.segments() if stream.template(s.template).compared)


def _family(key: str) -> str:
    """Numbered processes and threads may have got their numbers in another order."""
    return unnumbered(key) if is_numbered(key) else key


# --- values -----------------------------------------------------------------------------------------------------


def _values(streams: dict[str, Stream]) -> dict[str, float]:
    scalars: dict[str, float] = {}
    sizes: dict[str, float] = {}
    for key, stream in streams.items():
        before = "" if key == "main" else f"{key}: "
        for segment in _compared_segments(stream):
            template = stream.template(segment.template)
            last = segment.sketches[segment.count - 1]
            for i in template.compared:
                event = template.described[i]
                a, b = float(last[i, 0]), float(last[i, 1])
                if event.phase in _SCALARS and event.shape in ((), None) and b == 0.0:
                    scalars[before + event.name] = a
                elif event.phase in (Phase.METRIC, Phase.OUTPUT, Phase.UPDATE) and math.isfinite(b):
                    sizes[f"{before}{event.name} (rms)"] = b
    chosen = scalars or sizes
    return dict(sorted(chosen.items())[:_MOST_VALUES])


def _output_digest(folder: Path) -> str:
    hasher = hashlib.sha256()
    for name in ("stdout", "stderr"):
        hasher.update(f"{name}\n".encode())
        for line in masked_lines(folder, name):
            hasher.update(line.encode("utf-8", "backslashreplace") + b"\n")
    return hasher.hexdigest()[: 2 * SHORT]
