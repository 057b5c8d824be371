"""Reads the stream of one process (and thread): memory-mapped, each frame checked when it is looked at."""

from __future__ import annotations

import mmap
from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from reprotest.digest.algorithm import BLAKE2B
from reprotest.errors import RecordError
from reprotest.record.format import DIGEST_BYTES, EVENT_BYTES, FRAME, STEP, Codec
from reprotest.record.frame import Frame, check_body, read_head, zero_from
from reprotest.record.header import check_header
from reprotest.record.template import Template, parse_template

_TEMPLATES_KEPT = 256
_SEGMENTS_KEPT = 1 << 14
"""Segments that are remembered; what comes after them is looked up anew each time, so that memory does not grow with the run."""
_ANCHORS = 1 << 12
"""Segments that a sequence of frames remembers."""
_MOST_AT_ONCE = 1 << 16
"""Frames of one segment."""
_STEP = np.frombuffer(STEP, "<u4")


class Segment:
    """Frames of one template that lie one after the other: read at once, as arrays without copying.

    Attributes:
        first: index of its first frame in the stream.
        count: frames.
        template: number of their template.
        events: events a frame.
        roots: (count, 2) array of uint64, the frames' roots. Copied out: comparison reads nothing else, and they lie far apart.
    """

    __slots__ = ("_offset", "_roots", "_size", "_stream", "count", "events", "first", "template")

    def __init__(
        self, stream: Stream, first: int, roots: NDArray[np.uint64], template: int, events: int, offset: int
    ) -> None:
        self._stream = stream
        self._offset = offset
        self._size = FRAME.size + EVENT_BYTES * events
        self.first = first
        self.count = len(roots)
        self._roots: NDArray[np.uint64] | None = roots
        self.template = template
        self.events = events

    @property
    def roots(self) -> NDArray[np.uint64]:
        if self._roots is None:
            self._roots = self._array("<u8", 32, (2,), (8,)).copy()
        return self._roots

    @property
    def end(self) -> int:
        """The byte after its last frame."""
        return self._offset + self.count * self._size

    def forget(self) -> None:
        """Let go of the roots until they are asked for again."""
        self._roots = None

    @property
    def steps(self) -> NDArray[np.int64]:
        """(count,)"""
        return self._array("<i8", 16, (), ())

    @property
    def digests(self) -> NDArray[np.uint64]:
        """(count, events, 2)"""
        return self._array("<u8", FRAME.size, (self.events, 2), (DIGEST_BYTES, 8))

    @property
    def sketches(self) -> NDArray[np.float64]:
        """(count, events, 2)"""
        return self._array("<f8", FRAME.size + DIGEST_BYTES * self.events, (self.events, 2), (16, 8))

    def root(self, i: int) -> bytes:
        """The root of the i-th frame of the segment."""
        at = self._offset + i * self._size + 32
        return bytes(self._stream._view[at : at + 16])

    def frame(self, i: int) -> Frame:
        """The i-th frame of the segment, checked. Raises RecordError."""
        return self._stream._frame(self.first + i, self._offset + i * self._size)

    def _array(self, dtype: str, at: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> NDArray[Any]:
        return np.ndarray((self.count, *shape), dtype, self._stream._view, self._offset + at, (self._size, *strides))


class Stream:
    """One stream file.

    Attributes:
        key: which process and thread.
        path: the file.
        algorithm: the hash of its digests.
        torn: bytes at the end that are no whole frame; None while nobody has read so far.
    """

    def __init__(self, path: str | Path) -> None:
        """Raises RecordError when it is not a stream, OSError when it cannot be read."""
        self.path = Path(path)
        self.key = key_of(self.path)
        self._view = _mapped(self.path)
        codec, self._start = check_header(self.path, self._view)
        self._codec = codec or Codec(BLAKE2B)  # a torn header: there is nothing that it could judge
        self.algorithm: str | None = codec.algorithm if codec else None
        self.byte_order: bytes | None = codec.byte_order if codec else None
        self.torn: int | None = None
        self._template_at: list[int] = []
        self._templates: dict[int, Template] = {}
        self._segments: list[Segment] = []
        self._walk = self._walked(self._start, 0)

    def segments(self) -> Iterator[Segment]:
        """Every segment, in order. Raises RecordError where the file is damaged."""
        i = 0
        while i < len(self._segments) or (i < _SEGMENTS_KEPT and self._more()):
            segment = self._segments[i]
            yield segment
            segment.forget()
            i += 1
        if i == _SEGMENTS_KEPT:
            yield from self._walked(segment.end, segment.first + segment.count)

    @property
    def frames(self) -> Frames:
        """All frames, as a sequence."""
        return Frames(self)

    def template(self, number: int) -> Template:
        """The template of that number. Raises RecordError when it is damaged."""
        found = self._templates.get(number)
        if found is None:
            found = self._read_template(number)
            if len(self._templates) >= _TEMPLATES_KEPT:
                self._templates.clear()
            self._templates[number] = found
        return found

    def template_content(self, number: int) -> bytes:
        """The 16-byte hash of a template: equal ones are equal templates. Costs no decoding."""
        at = self._template_at[number] + 32
        return bytes(self._view[at : at + 16])

    def verify(self) -> None:
        """Check every byte. Raises RecordError at the first that is damaged."""
        for segment in self.segments():
            self.template(segment.template)
            for i in range(segment.count):
                self._check(segment._offset + i * segment._size)

    def close(self) -> None:
        """Let go of the file. Frames and arrays that were handed out must not be used afterwards."""
        self._walk.close()
        self._segments.clear()
        self._templates.clear()
        self._view = memoryview(b"")

    def _more(self) -> bool:
        segment = next(self._walk, None)
        if segment is not None:
            self._segments.append(segment)
        return segment is not None

    def _walked(self, offset: int, index: int) -> Generator[Segment]:
        """The segments from a byte on, which is where the frame of this index, or a template before it, begins."""
        view, where = self._view, str(self.path)
        end = len(view)
        while end - offset >= FRAME.size:
            if not any(view[offset : offset + 4]) and zero_from(view, offset):
                break
            head = read_head(where, self._codec, view, offset)
            size = FRAME.size + head.length
            if offset + size > end:
                break
            if head.magic != STEP:
                if head.template == len(self._template_at):
                    self._template_at.append(offset)
                elif head.template > len(self._template_at) or self._template_at[head.template] != offset:
                    raise RecordError(
                        f"{where} is damaged at byte {offset}: a template is out of its order; run the command again"
                    )
                offset += size
                continue
            if head.template >= len(self._template_at):
                raise RecordError(
                    f"{where} is damaged at byte {offset}: it refers to a template that is not there; run the command again"
                )
            segment = Segment(self, index, self._alike(offset, size), head.template, head.events, offset)
            yield segment
            index += segment.count
            offset += segment.count * size
        self.torn = end - offset if self.algorithm else end

    def _alike(self, offset: int, size: int) -> NDArray[np.uint64]:
        """The roots of all frames of one size and template that begin here: tried in growing batches, as most runs are regular."""
        most = min((len(self._view) - offset) // size, _MOST_AT_ONCE)
        wanted = np.frombuffer(self._view, "<u8", 6, offset)
        roots: list[NDArray[np.uint64]] = [wanted[None, 4:]]
        known, batch = 1, 8
        if known < most and self._view[offset + size + 8 : offset + size + 16] != self._view[offset + 8 : offset + 16]:
            return roots[0]
        while known < most:
            batch = min(batch * 8, _MOST_AT_ONCE, most - known)
            # One pass over memory: the headers are copied together, then looked at.
            heads = np.ndarray((batch, 6), "<u8", self._view, offset + known * size, (size, 8)).copy()
            same = (heads.view("<u4")[:, 0] == _STEP) & (heads[:, 1] == wanted[1])
            if not same.all():
                roots.append(heads[: int(same.argmin()), 4:])
                break
            roots.append(heads[:, 4:])
            known += batch
        return np.concatenate(roots)

    def _check(self, offset: int) -> Any:
        where = str(self.path)
        head = read_head(where, self._codec, self._view, offset)
        body = self._view[offset + FRAME.size : offset + FRAME.size + head.length]
        check_body(where, self._codec, head, offset, body)
        return head, body

    def _frame(self, index: int, offset: int) -> Frame:
        head, body = self._check(offset)
        return Frame(index, head.step, self._template_of(head.template, head.events), head.root, body)

    def _template_of(self, number: int, count: int) -> Template:
        template = self.template(number)
        if len(template) != count:
            raise RecordError(
                f"{self.path} is damaged: a frame of {count} events refers to a template of {len(template)}"
            )
        return template

    def _read_template(self, number: int) -> Template:
        offset = self._template_at[number]
        head, body = self._check(offset)
        return parse_template(f"{self.path}, byte {offset}", head.root, bytes(body), head.events)


class Frames(Sequence[Frame]):
    """The frames of a stream; each is checked and decoded when it is asked for.

    Memory does not grow with the run: of the segments at most `_ANCHORS` are remembered, at equal distances, and others are looked up
    from the one before them. Going through the frames in their order looks up each segment once.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._anchors: list[Segment] = []
        self._length = 0
        every = 1
        for number, segment in enumerate(stream.segments()):
            if number % every == 0:
                if len(self._anchors) == _ANCHORS:
                    self._anchors, every = self._anchors[::2], 2 * every
                if number % every == 0:
                    self._anchors.append(segment)
                    segment.forget()
            self._length = segment.first + segment.count
        self._firsts = [segment.first for segment in self._anchors]
        self._current: Segment | None = None
        self._ahead: Iterator[Segment] = iter(())

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, i: int) -> Frame: ...
    @overload
    def __getitem__(self, i: slice) -> list[Frame]: ...
    def __getitem__(self, i: int | slice) -> Frame | list[Frame]:
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        i = range(len(self))[i]
        segment = self._segment(i)
        return segment.frame(i - segment.first)

    def equal(self, i: int, frame: Frame) -> bool:
        """Has the i-th frame the same template and root? Costs no decoding."""
        segment = self._segment(i)
        return (
            segment.root(i - segment.first) == frame.root
            and self._stream.template_content(segment.template) == frame.template.content
        )

    def template(self, i: int) -> Template:
        """The i-th frame's template."""
        return self._stream.template(self._segment(i).template)

    def _segment(self, i: int) -> Segment:
        """The segment that holds the i-th frame."""
        segment = self._current
        if segment is not None and segment.first <= i < segment.first + segment.count:
            return segment
        anchor = self._anchors[bisect_right(self._firsts, i) - 1]
        if segment is None or not anchor.first <= segment.first <= i:
            segment = anchor
            self._ahead = self._stream._walked(anchor.end, anchor.first + anchor.count)
        while i >= segment.first + segment.count:
            segment = next(self._ahead)
        self._current = segment
        segment.forget()
        return segment


def key_of(path: Path) -> str:
    """The process (and thread) that a stream's file is named after."""
    return path.stem.replace("~", "/")


def _mapped(path: Path) -> memoryview:
    with open(path, "rb") as file:
        if file.seek(0, 2) == 0:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
