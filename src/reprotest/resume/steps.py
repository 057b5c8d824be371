"""Two runs compared step by step, the second beginning in the middle of the first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from reprotest.compare.frames import Found, describe
from reprotest.compare.order import frame_with
from reprotest.compare.records import difference_of
from reprotest.compare.streams import Mismatch, check_comparable
from reprotest.digest.device import comparable
from reprotest.record import Record
from reprotest.record.event import LEFT, SAVED, Phase
from reprotest.record.frame import Frame
from reprotest.record.stream import Stream
from reprotest.result import Difference

_TRAINING = (Phase.DATA, Phase.FORWARD, Phase.LOSS, Phase.BACKWARD, Phase.UPDATE)

Place = tuple[Frame, int]
"""An event: its frame, and its index there."""


@dataclass(frozen=True)
class _Step:
    """The events of one step, by phase and name, each list in program order."""

    events: dict[tuple[Phase, str], list[Place]]
    order: list[tuple[tuple[Phase, str], int, Place]]
    complete: bool


@dataclass(frozen=True)
class Outcome:
    """What the comparison found. `steps`: how many complete steps were compared."""

    difference: Difference | None
    steps: int


def compare(
    full: Record, second: Record, stream: str, begin: int, *, until: int | None = None, saved: bool = False
) -> Outcome:
    """Compare one stream of both runs.

    Only what both runs do round the training is compared there: a run that is resumed loads and skips, another evaluates and saves.

    Args:
        full, second: the records.
        stream: its key.
        begin: index of the full run's first frame that is compared.
        until: compare so many steps at most, and do not mind which run goes on (the full run against the first).
        saved: compare what they save, too: there is nothing else to compare.
    """
    x, y = full.streams[stream], second.streams[stream]
    check_comparable(x, y)
    ours, theirs = _steps(x, begin, saved), _steps(y, 0, saved)
    done = 0
    while until is None or done < until:
        a, b = next(ours, None), next(theirs, None)
        if a is None or b is None or not (a.complete and b.complete):
            lone = a if a is not None and a.complete else b if b is not None and b.complete else None
            if lone is not None and until is None:
                return Outcome(_length(x, y, lone, longer=1 if lone is a else 2), done)
            if a is not None and b is not None and until is None:
                return Outcome(_in_step(full, second, a, b, x, y, tail=done == 0, loose=True), done)
            return Outcome(None, done)
        stops = until is not None and done == until - 1  # the first run's last update may stand alone
        difference = _in_step(full, second, a, b, x, y, tail=done == 0, loose=stops)
        if difference is not None:
            return Outcome(_accumulated(difference, a, b) if done == 0 else difference, done)
        done += 1
    return Outcome(None, done)


def _accumulated(difference: Difference, full: _Step, second: _Step) -> Difference:
    """Was the first run stopped between two steps, with gradients already added up for the next one?"""
    ours, theirs = (sum(len(p) for (phase, _), p in s.events.items() if phase is Phase.LOSS) for s in (full, second))
    if difference.phase != "backward" or not 0 < theirs < ours:
        return difference
    said = (
        f"the full run adds up the gradients of {ours} losses for this step, the resumed one of {theirs}: it was stopped in the middle "
        "of an accumulation, which no checkpoint holds; save after a step of the optimizer"
    )
    return replace(difference, note=f"{difference.note}; {said}" if difference.note else said)


def _steps(stream: Stream, begin: int, saved: bool) -> Iterator[_Step]:
    frames: list[Frame] = []
    for index in range(begin, len(stream.frames)):
        frame = stream.frames[index]
        frames.append(frame)
        if frame.template.completes_step or Phase.BACKWARD in frame.template.phases:
            yield _step(frames, saved, complete=True)
            frames = []
    if frames:
        yield _step(frames, saved, complete=False)


def _step(frames: list[Frame], saved: bool, *, complete: bool) -> _Step:
    events: dict[tuple[Phase, str], list[Place]] = defaultdict(list)
    order: list[tuple[tuple[Phase, str], int, Place]] = []
    for frame in frames:
        for index in frame.template.compared:
            event = frame.template.described[index]
            if event.phase is Phase.INIT or (event.op in (SAVED, LEFT) and not saved):
                continue
            key = (event.phase, event.name)
            order.append((key, len(events[key]), (frame, index)))
            events[key].append((frame, index))
    return _Step(dict(events), order, complete)


def _in_step(
    full: Record, second: Record, a: _Step, b: _Step, x: Stream, y: Stream, *, tail: bool, loose: bool
) -> Difference | None:
    """The first event that differs.

    Args:
        tail: of several events of one name the last ones correspond: batches that are skipped come before, and so does what the
            full run evaluated at the end of an epoch.
        loose: events that one run alone has do not count.
    """
    for key, number, place in a.order:
        there = b.events.get(key, [])
        at = number - len(a.events[key]) + len(there) if tail else number
        if 0 <= at < len(there):
            difference = _of_events(full, second, x, y, place, there[at])
            if difference is not None:
                return difference
        elif key[0] in _TRAINING and not tail and not loose:
            return _made(
                full,
                second,
                x,
                y,
                Mismatch(Found("missing", place[1], None, "only the full run has it"), place[0], None),
            )
    if tail or loose:
        return None
    for key, number, place in b.order:
        if key[0] in _TRAINING and number >= len(a.events.get(key, [])):
            return _made(
                full,
                second,
                x,
                y,
                Mismatch(Found("extra", None, place[1], "only the resumed run has it"), None, place[0]),
            )
    return None


def _of_events(full: Record, second: Record, x: Stream, y: Stream, ours: Place, theirs: Place) -> Difference | None:
    (frame, i), (other, j) = ours, theirs
    p, q = frame.template.described[i], other.template.described[j]
    if frame.digest(i) == other.digest(j) and (p.dtype, p.shape) == (q.dtype, q.shape):
        return None
    if not comparable(p.dtype, q.dtype):
        return None
    kind = "dtype" if p.dtype != q.dtype else "shape" if p.shape != q.shape else "value"
    note = f"{describe(p)} in the full run, {describe(q)} in the resumed one" if kind != "value" else None
    difference = _made(full, second, x, y, Mismatch(Found(kind, i, j, note), frame, other))
    if p.phase is Phase.DATA:
        earlier = frame_with(x, other.template, j, other.digest(j), -1)
        if earlier is not None and earlier.index < frame.index:
            return replace(
                difference, kind="order", note=f"the resumed run is given the batch of step {earlier.step} again"
            )
    return difference


def _made(full: Record, second: Record, x: Stream, y: Stream, mismatch: Mismatch) -> Difference:
    difference = difference_of(full, second, x, y, mismatch)
    if difference.note:
        said = difference.note.replace("in run 1", "in the full run").replace("in run 2", "in the resumed run")
        difference = replace(difference, note=said.replace("run 1", "the full run").replace("run 2", "the resumed run"))
    return difference


def _length(x: Stream, y: Stream, lone: _Step, *, longer: int) -> Difference:
    frame = lone.order[0][2][0] if lone.order else None
    who = "full" if longer == 1 else "resumed"
    return Difference(
        step=frame.step if frame is not None else 0,
        phase="update",
        name="",
        kind="length",
        stream=x.key,
        note=f"the {who} run goes on where the other has ended",
    )
