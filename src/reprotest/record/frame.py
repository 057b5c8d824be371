"""One frame of a stream, and how it is taken from bytes that may be damaged or hostile."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from reprotest.errors import RecordError
from reprotest.record.event import Phase
from reprotest.record.format import (
    DIGEST_BYTES,
    EVENT_BYTES,
    FRAME,
    MOST_EVENTS,
    MOST_TEMPLATE_BYTES,
    STEP,
    TEMPLATE,
    Codec,
)
from reprotest.record.template import Template


class Event(NamedTuple):
    """One event with everything that is known of it."""

    name: str
    phase: Phase
    op: str | None
    dtype: str | None
    shape: tuple[int, ...] | None
    location: str | None
    digest: bytes
    a: float
    b: float


class Frame:
    """The events of one optimiser step, or one observed value.

    Attributes:
        index: number of frames before it in its stream.
        step: completed steps before it, as the probe said.
        template: what its events are.
        root: hash of the digests of its compared events.
        digests: 16 bytes an event.
        sketches: array (n, 2) of float64.
    """

    __slots__ = ("digests", "index", "root", "sketches", "step", "template")

    def __init__(self, index: int, step: int, template: Template, root: bytes, body: Any) -> None:
        split = DIGEST_BYTES * len(template)
        self.index = index
        self.step = step
        self.template = template
        self.root = root
        self.digests = memoryview(body)[:split]
        self.sketches = np.frombuffer(body, "<f8", offset=split).reshape(-1, 2)

    def digest(self, event: int) -> bytes:
        return bytes(self.digests[DIGEST_BYTES * event : DIGEST_BYTES * (event + 1)])

    @property
    def events(self) -> list[Event]:
        """Every event, RNG states included."""
        return [
            Event(*described, self.digest(i), float(self.sketches[i, 0]), float(self.sketches[i, 1]))
            for i, described in enumerate(self.template.described)
        ]


class Head(NamedTuple):
    """A frame's header, checked."""

    magic: bytes
    check: int
    template: int
    events: int
    step: int
    checksum: int
    root: bytes
    length: int
    """Bytes of the body."""


def read_head(where: str, codec: Codec, buffer: Any, offset: int) -> Head:
    """The header of the frame that begins there. Raises RecordError when none does; `where` names the file."""
    magic, check, template, count, step, checksum, root = FRAME.unpack_from(buffer, offset)
    if magic not in (STEP, TEMPLATE) or check != codec.check(magic, bytes(buffer[offset + 8 : offset + 24])):
        raise RecordError(f"{where} is damaged at byte {offset}: no frame begins there; run the command again")
    length = EVENT_BYTES * count if magic == STEP else step
    if count > MOST_EVENTS or not 0 <= length <= MOST_TEMPLATE_BYTES:
        raise RecordError(
            f"{where}: the frame at byte {offset} claims {count} events in {length} bytes; run the command again"
        )
    return Head(magic, check, template, count, step, checksum, root, length)


def check_body(where: str, codec: Codec, head: Head, offset: int, body: Any) -> None:
    """Raises RecordError when a frame's body is not what was written."""
    if head.magic == STEP:
        split = DIGEST_BYTES * head.events
        found = codec.checksum(head.check, head.root, body[:split], body[split:])
    else:
        found = codec.checksum(head.check, head.root, body)
    if found != head.checksum:
        raise RecordError(f"{where} is damaged at byte {offset}: a checksum does not match; run the command again")


def zero_from(buffer: Any, offset: int) -> bool:
    """Are there only zero bytes from here on? A file system may leave that after a power failure: a torn tail, not damage."""
    view = memoryview(buffer)
    return all(not any(view[at : at + 65536]) for at in range(offset, len(view), 65536))
