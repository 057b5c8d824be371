"""Writes the events of one process (and thread). Standard library and xxhash only; not shared between threads.

What never changes about the events of a step is written once, as a template; a step is then 32 bytes an event. Every commit is one
append, so that a process which is killed at any moment leaves a file that is readable up to its last whole step.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reprotest.digest.algorithm import ALGORITHM
from reprotest.record.event import Phase
from reprotest.record.files import AppendFile
from reprotest.record.format import (
    DIGEST_BYTES,
    EVENT_BYTES,
    MOST_EVENTS,
    MOST_TEMPLATE_BYTES,
    PAD,
    STEP,
    TEMPLATE,
    Codec,
    Descriptor,
)

_SPLIT = 1 << 16
"""Events without a commit after which a frame is written all the same, so that memory stays bounded."""

_SOON = 0.005
"""Seconds for which frames may wait for each other."""
_MOST_AHEAD = 768
"""Parts that are written at once (writev takes 1024)."""
_monotonic = time.monotonic  # the real clock: a factor may replace it for the program

_MOST_KNOWN = 1 << 18
"""Events in remembered templates; then they are forgotten, and written again where they come again."""

_LONGEST_TEXT, _SHORT_TEXT = 300, 24
"""Characters of a name, operator or location that are kept; the short ones where a template would become too large to read."""


class StreamWriter:
    """One stream file, growing.

    Attributes:
        frames: frames written so far; the index of the frame that the pending events will be in.
        step: what a frame is ascribed to that had to be split before its commit.
    """

    def __init__(self, path: str | Path) -> None:
        """Begin the file anew. Raises OSError."""
        self._file = AppendFile(path)
        self._codec = Codec(ALGORITHM)
        self._known: dict[tuple[Descriptor, ...], int] = {}
        self._known_events = 0
        self._templates = 0
        self._last: list[Descriptor] = []
        self._last_id = -1
        self._compared: dict[int, list[int] | None] = {}
        self._pending: list[Descriptor] = []
        self._digests: list[bytes] = []
        self._sketches: list[float] = []
        self._ahead: list[bytes] = []
        self._written = 0.0
        self.frames = 0
        self.step = 0
        self._file.append([self._codec.header()])

    @property
    def pending(self) -> int:
        """Events since the last commit; the index that the next event will have in its frame."""
        return len(self._pending)

    def event(
        self,
        name: str,
        phase: Phase,
        digest: bytes,
        a: float = 0.0,
        b: float = 0.0,
        *,
        op: str | None = None,
        dtype: str | None = None,
        shape: tuple[int, ...] | None = None,
        location: str | None = None,
    ) -> None:
        """Add an event to the frame being made.

        Args:
            name, phase, op, dtype, shape, location: what and where it is.
            digest: 16 bytes.
            a, b: its sketch.
        """
        self._pending.append((name, phase, op, dtype, shape, location))
        self._digests.append(digest)
        self._sketches += (a, b)
        if len(self._pending) >= _SPLIT:
            self._write(self.step)

    def events(self, described: Sequence[Descriptor], digests: Sequence[bytes], sketches: Sequence[float]) -> None:
        """Add many events at once, for a caller that keeps their descriptors ready.

        Args:
            described: n descriptors.
            digests: 16 bytes each.
            sketches: a and b of each: 2 n numbers.
        """
        self._pending += described
        self._digests += digests
        self._sketches += sketches
        if len(self._pending) >= _SPLIT:
            self._write(self.step)

    def commit(self, step: int) -> None:
        """Write the frame of the events since the last commit; nothing if there are none. Raises OSError."""
        if self._pending:
            self._write(step)
        self.step = step + 1

    def template(self, described: Sequence[Descriptor]) -> int:
        """The number of a sequence of events for `frame`; written together with the first frame that uses it."""
        key = tuple(described)
        if len(key) > MOST_EVENTS:
            raise ValueError(f"a frame holds at most {MOST_EVENTS} events, not {len(key)}; write several")
        number = self._known.get(key)
        if number is None:
            number = self._new_template(key)
        return number

    def frame(self, step: int, template: int, digests: bytes, sketches: bytes, *, soon: bool = False) -> None:
        """Write one frame whose events were packed by the caller.

        Args:
            step: completed steps before it.
            template: from `template()`, with n events.
            digests: 16 bytes each, one after the other.
            sketches: (a, b) of each, as little-endian float64.
            soon: it may wait for a few milliseconds, to be written together with the frames that follow. In short steps the system
                call would cost more than the digests; a process that is killed loses what it did in that time.

        Raises:
            OSError: it could not be written; the file ends with the frame before.
        """
        count = len(digests) // DIGEST_BYTES
        if len(digests) != count * DIGEST_BYTES or len(sketches) != count * (EVENT_BYTES - DIGEST_BYTES):
            raise ValueError(
                f"{len(digests)} bytes of digests do not go with {len(sketches)} bytes of sketches (16 + 16 an event)"
            )
        compared = self._compared[template]
        hashed = digests if compared is None else b"".join([digests[16 * i : 16 * i + 16] for i in compared])
        root = self._codec.hash128(hashed)
        head = self._codec.frame(STEP, template, count, step, root, digests, sketches)
        self._ahead += (head, digests, sketches)
        self.frames += 1
        now = _monotonic()
        if not soon or now - self._written > _SOON or len(self._ahead) > _MOST_AHEAD:
            self._written = now
            self._flush()

    def close(self) -> None:
        """Write what is pending and close; safe to call again. Raises OSError."""
        if not self._file.closed:
            try:
                if self._pending:
                    self._write(self.step)
                elif self._ahead:
                    self._flush()
            finally:
                self._file.close()

    def abandon(self) -> None:
        """Close without writing: for a forked child, whose parent goes on with this file."""
        self._pending.clear()
        self._digests.clear()
        self._sketches.clear()
        self._ahead.clear()
        self._file.close()

    def _flush(self) -> None:
        """Write what waits, in one system call. Raises OSError; then it is lost, and the file ends with what was written before."""
        ahead, self._ahead = self._ahead, []
        self._file.append(ahead)

    def _write(self, step: int) -> None:
        pending, digests, sketches = self._pending, self._digests, self._sketches
        self._pending, self._digests, self._sketches = [], [], []
        while len(pending) > _SPLIT:
            self._write_frame(step, pending[:_SPLIT], digests[:_SPLIT], sketches[: 2 * _SPLIT])
            del pending[:_SPLIT], digests[:_SPLIT], sketches[: 2 * _SPLIT]
        self._write_frame(step, pending, digests, sketches)

    def _write_frame(self, step: int, pending: list[Descriptor], digests: list[bytes], sketches: list[float]) -> None:
        if pending != self._last:
            self._last_id = self.template(pending)
            self._last = pending
        self.frame(step, self._last_id, b"".join(digests), struct.pack(f"<{len(sketches)}d", *sketches))

    def _new_template(self, key: tuple[Descriptor, ...]) -> int:
        if self._known_events + len(key) > _MOST_KNOWN:
            self._known.clear()
            self._compared.clear()
            self._known_events = 0
        number = self._templates
        compared = [i for i, event in enumerate(key) if event[1] != Phase.STATE]
        self._compared[number] = None if len(compared) == len(key) else compared
        self._known[key] = number
        self._known_events += len(key)
        self._templates += 1
        body = _encode(key, _LONGEST_TEXT)
        if len(body) > MOST_TEMPLATE_BYTES:
            body = _encode(key, _SHORT_TEXT)
        self._ahead += [self._codec.frame(TEMPLATE, number, len(key), len(body), self._codec.hash128(body), body), body]
        return number


def _encode(key: tuple[Descriptor, ...], longest: int) -> bytes:
    """The written form of a template; longer names are cut."""
    plain: list[list[Any]] = []
    for name, phase, op, dtype, shape, location in key:
        short = [text[:longest] if text is not None else None for text in (op, dtype, location)]
        plain.append([name[:longest], int(phase), *short[:2], None if shape is None else list(shape), short[2]])
    body = json.dumps(plain, separators=(",", ":")).encode()
    return body + b" " * (-len(body) % PAD)
