"""The first difference of two records: over all streams the earliest step, within it the earliest phase."""

from __future__ import annotations

from dataclasses import replace

from reprotest.compare import ends
from reprotest.compare.frames import Found
from reprotest.compare.order import frame_with, same_rows, same_rows_over_frames
from reprotest.compare.pairs import paired
from reprotest.compare.saved import saved_mismatch
from reprotest.compare.size import UNKNOWN, Size, size_of_scalars, size_of_values
from reprotest.compare.streams import Mismatch, first_mismatch
from reprotest.record.directory import Record
from reprotest.record.event import INPUT, LEFT, OUTPUT, SAVED, Phase
from reprotest.record.frame import Frame
from reprotest.record.stream import Stream
from reprotest.result import Difference


def first_difference(a: Record, b: Record) -> Difference | None:
    """The first thing whose output differs while its inputs agree; None when all that was compared is equal.

    A run that was ended by us may be shorter than the other; one that died, or ended early, differs where it ended.

    Raises:
        RecordError: a record is damaged, or their digests were made by different algorithms.
    """
    found = []
    for x, y in paired(a, b):
        difference = _of_streams(a, b, x, y)
        if difference is not None:
            found.append(difference)
    if found:
        return _of_ranks(min(found, key=place), a)
    return _exit_difference(a, b)


def place(difference: Difference) -> tuple[int, int, bool, bool, str]:
    """Where in a run a difference stands: step, phase, what ranks bring to a reduction, and the main process before others."""
    brought = difference.op is not None and difference.op.endswith(INPUT)
    return difference.step, Phase[difference.phase.upper()], not brought, difference.stream != "main", difference.stream


def _of_ranks(difference: Difference, record: Record) -> Difference:
    """Say who is to blame for the outcome of a reduction: one rank's numbers, or the reduction."""
    if difference.op is not None and difference.op.endswith(INPUT):
        note = f"{difference.stream} brings other numbers to the reduction"
    elif difference.phase == "backward" and _reduced(difference, record):
        note = "what every rank brings to the reduction agrees: it is added up otherwise"
    else:
        return difference
    return replace(difference, note=f"{difference.note}; {note}" if difference.note else note)


def _reduced(difference: Difference, record: Record) -> bool:
    if difference.op is not None:
        return difference.op.endswith(OUTPUT)
    stream = record.streams.get(difference.stream)
    segments = stream.segments() if stream is not None else iter(())
    return any(
        event.name == difference.name and event.op is not None and event.op.endswith(INPUT)
        for segment in segments
        for event in (stream.template(segment.template).described if stream is not None else ())
    )


def difference_of(a: Record, b: Record, x: Stream | None, y: Stream | None, mismatch: Mismatch) -> Difference:
    """A mismatch with everything that the records know about it. `x` and `y` are the streams; None: that run has it not."""
    found, frame = mismatch.found, mismatch.frame
    index = found.a if found.a is not None else found.b
    assert index is not None
    described = frame.template.described[index]
    kind, note, size = found.kind, found.note, UNKNOWN
    if kind in ("value", "order") and x is not None and y is not None:
        kind, note, size = _examined(a, b, x, y, mismatch)
    stream = x or y
    assert stream is not None
    return Difference(
        step=frame.step,
        phase=described.phase.name.lower(),
        name=described.name,
        kind=kind,
        op=None if described.op in (SAVED, LEFT) else described.op,
        location=described.location,
        max_abs=size.max_abs,
        max_rel=size.max_rel,
        ulp=size.ulp,
        stream=stream.key,
        note=note or size.note,
    )


def _of_streams(a: Record, b: Record, x: Stream | None, y: Stream | None) -> Difference | None:
    if x is None or y is None:
        return _lone_stream(a, b, x, y)
    found = [mismatch for mismatch in (first_mismatch(x, y), saved_mismatch(x, y)) if mismatch is not None]
    if not found:
        return None
    mismatch = min(found, key=lambda m: m.frame.index)
    if mismatch.found.kind == "length":
        shorter, run = (b, 2) if mismatch.b is None else (a, 1)
        said = ends.cut_short(shorter, run, "here")
        if said is None:
            return None
        mismatch = Mismatch(Found(said[0], mismatch.found.a, mismatch.found.b, said[1]), mismatch.a, mismatch.b)
    return difference_of(a, b, x, y, mismatch)


def _lone_stream(a: Record, b: Record, x: Stream | None, y: Stream | None) -> Difference | None:
    """A process or thread that one run alone has."""
    stream = x or y
    assert stream is not None
    frame = next((f for f in stream.frames if f.template.compared and not f.template.is_saved), None)
    if frame is None:
        return None
    first = frame.template.compared[0]
    other, run = (b, 2) if y is None else (a, 1)
    said = ends.cut_short(other, run, f"without {stream.key}")
    if said is None:
        return None
    kind, note = said
    if kind != "died":
        kind, note = "missing" if y is None else "extra", f"run {run} has no process or thread {stream.key!r}"
    if y is None:
        mismatch = Mismatch(Found(kind, first, None, note), frame, None)
    else:
        mismatch = Mismatch(Found(kind, None, first, note), None, frame)
    return difference_of(a, b, x, y, mismatch)


def _exit_difference(a: Record, b: Record) -> Difference | None:
    if not (ends.finished(a) and ends.finished(b)) or a.exit.get("exit_code") == b.exit.get("exit_code"):
        return None
    return Difference(
        step=max(a.steps, b.steps),
        phase="output",
        name="exit code",
        kind="exit",
        note=f"run 1 {ends.ending(a)}, run 2 {ends.ending(b)}",
    )


def _examined(a: Record, b: Record, x: Stream, y: Stream, mismatch: Mismatch) -> tuple[str, str | None, Size]:
    """Kind, note and size of a difference of values: from the kept values, or from the sketches."""
    found, ours, theirs = mismatch.found, mismatch.a, mismatch.b
    assert ours is not None
    assert theirs is not None
    assert found.a is not None
    assert found.b is not None
    described = ours.template.described[found.a]
    size = UNKNOWN
    kept_a, kept_b = a.values(x.key), b.values(y.key)
    if kept_a is not None and kept_b is not None:
        p, q = kept_a.get(ours.index, found.a), kept_b.get(theirs.index, found.b)
        if p is not None and q is not None:
            size = size_of_values(p, q, _order(x), _order(y))
            if same_rows(p, q):
                return "order", "the same rows in another order", size
            over_frames = described.phase is Phase.DATA and (ours.index, found.a) == (theirs.index, found.b)
            if over_frames and same_rows_over_frames(kept_a, kept_b, ours.index, found.a):
                return "order", "the same rows, spread over the batches in another order", size
    if size is UNKNOWN:
        i, j = ours.sketches[found.a], theirs.sketches[found.b]
        if described.shape in ((), None) and i[1] == j[1] == 0.0:
            size = size_of_scalars(described.dtype, float(i[0]), float(j[0]))
    if found.kind == "value" and described.phase is Phase.DATA:
        note = _moved_batch(x, y, found, ours, theirs)
        if note is not None:
            return "order", note, size
    return found.kind, found.note, size


def _moved_batch(x: Stream, y: Stream, found: Found, ours: Frame, theirs: Frame) -> str | None:
    """Does the batch of one run come later in the other?"""
    assert found.a is not None
    assert found.b is not None
    for stream, frame, event, run in ((y, ours, found.a, 2), (x, theirs, found.b, 1)):
        later = frame_with(stream, frame.template, event, frame.digest(event), frame.index)
        if later is not None:
            return f"the same batches in another order: run {run} has the other's batch at step {later.step}"
    return None


def _order(stream: Stream) -> str:
    return (stream.byte_order or b"<").decode()
