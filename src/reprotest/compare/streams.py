"""Walks two streams side by side, root by root, to the first pair of frames that differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reprotest.compare.frames import Found, difference_in_frame
from reprotest.errors import RecordError
from reprotest.record.frame import Frame
from reprotest.record.stream import Segment, Stream
from reprotest.record.template import Template

_LOOK_AHEAD = 32
"""Frames within which a frame that one run alone has is recognised by what follows it."""


@dataclass(frozen=True)
class Mismatch:
    """The first place where two streams differ.

    Attributes:
        found: what differs.
        a, b: the frames; None where that stream has ended.
    """

    found: Found
    a: Frame | None
    b: Frame | None

    @property
    def frame(self) -> Frame:
        """The frame that has the event."""
        frame = self.a if self.found.a is not None else self.b
        assert frame is not None
        return frame


class _Cursor:
    """A place in a stream, moved frame by frame or by many at once."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._segments: Iterator[Segment] = stream.segments()
        self.segment: Segment | None = None
        self.at = 0
        self.move(0)

    def move(self, n: int) -> None:
        self.at += n
        while self.segment is None or self.at >= self.segment.count:
            self.at -= self.segment.count if self.segment is not None else 0
            self.segment = next(self._segments, None)
            if self.segment is None:
                return

    @property
    def template(self) -> Template:
        assert self.segment is not None
        return self.stream.template(self.segment.template)

    @property
    def content(self) -> bytes:
        assert self.segment is not None
        return self.stream.template_content(self.segment.template)

    def frame(self) -> Frame:
        assert self.segment is not None
        return self.segment.frame(self.at)


def check_comparable(a: Stream, b: Stream) -> None:
    """Raises RecordError when equal values would have unequal digests."""
    if a.algorithm and b.algorithm and (a.algorithm, a.byte_order) != (b.algorithm, b.byte_order):
        raise RecordError(
            f"{a.path} was hashed with {a.algorithm} and {b.path} with {b.algorithm}"
            + ("" if a.byte_order == b.byte_order else " on a machine of the other byte order")
            + ": their digests cannot be compared; install xxhash for both interpreters and record again"
        )


def first_mismatch(a: Stream, b: Stream) -> Mismatch | None:
    """The first pair of frames that differs, or the first frame of the longer stream; what the program saved apart.

    Where nothing differs but the name of an event, the mismatch is that, and it is only given when there is no other.

    Raises:
        RecordError: a stream is damaged, or the two cannot be compared.
    """
    check_comparable(a, b)
    x, y = _Cursor(a), _Cursor(b)
    alike = _Alike()
    renamed: Mismatch | None = None
    while x.segment is not None and y.segment is not None:
        n = min(x.segment.count - x.at, y.segment.count - y.at)
        if alike(x, y):
            n = _equal_frames(x, y, n)
            if n:
                x.move(n)
                y.move(n)
                continue
        ours, theirs = x.frame(), y.frame()
        if ours.template.is_saved or theirs.template.is_saved:  # `compare.saved` sees to these
            x.move(ours.template.is_saved)
            y.move(theirs.template.is_saved)
            continue
        found = difference_in_frame(ours, theirs)
        if found is not None and found.renamed:
            renamed = renamed or Mismatch(found, ours, theirs)
        elif found is not None:
            return _frame_of_one_run(x, y, ours, theirs) or Mismatch(found, ours, theirs)
        x.move(1)
        y.move(1)
    for cursor, kind in ((x, "missing"), (y, "extra")):
        while cursor.segment is not None:
            frame = cursor.frame()
            if frame.template.compared and not frame.template.is_saved:
                first = frame.template.compared[0]
                if kind == "missing":
                    return Mismatch(Found("length", first, None), frame, None)
                return Mismatch(Found("length", None, first), None, frame)
            cursor.move(1)
    return renamed


class _Alike:
    """Remembers which templates of two streams compare event by event."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes], bool] = {}

    def __call__(self, x: _Cursor, y: _Cursor) -> bool:
        ours, theirs = x.content, y.content
        if ours == theirs:
            return True
        known = self._known.get((ours, theirs))
        if known is None:
            if len(self._known) > 4096:
                self._known.clear()
            known = self._known[ours, theirs] = x.template.alike(y.template)
        return known


def _equal_frames(x: _Cursor, y: _Cursor, n: int) -> int:
    """How many of the next n frames have equal roots."""
    assert x.segment is not None
    assert y.segment is not None
    batch = 1
    done = 0
    while done < n:
        take = min(batch, n - done)
        ours = x.segment.roots[x.at + done : x.at + done + take]
        theirs = y.segment.roots[y.at + done : y.at + done + take]
        differ = (ours != theirs).any(axis=1)
        if differ.any():
            return done + int(np.argmax(differ))
        done += take
        batch = min(batch * 16, 1 << 16)
    return n


def _frame_of_one_run(x: _Cursor, y: _Cursor, ours: Frame, theirs: Frame) -> Mismatch | None:
    """Did one run do something here that the other left out, and go on like it afterwards?"""
    if not set(ours.template.keys).isdisjoint(theirs.template.keys):
        return None
    if ours.template.compared and _comes_soon(x.stream, ours.index, theirs):
        return Mismatch(Found("missing", ours.template.compared[0], None, "only run 1 has it"), ours, None)
    if theirs.template.compared and _comes_soon(y.stream, theirs.index, ours):
        return Mismatch(Found("extra", None, theirs.template.compared[0], "only run 2 has it"), None, theirs)
    return None


def _comes_soon(stream: Stream, index: int, wanted: Frame) -> bool:
    frames = stream.frames
    last = min(index + _LOOK_AHEAD, len(frames) - 1)
    return any(wanted.template.alike(frames[i].template) for i in range(index + 1, last + 1))
