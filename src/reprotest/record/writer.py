"""Writes the events of one process (and thread). Standard library and xxhash only; not shared between threads.

What never changes about the events of a step is written once, as a template; a step is then 32 bytes an event. Every commit is one
append, so that a process which is killed at any moment leaves a file that is readable up to its last whole step. Frames that may
wait are packed when they are written, many at a time: one after the other, the code for it stays in the processor's caches.
"""

from __future__ import annotations

import json
import math
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

_NO_NUMBER = struct.pack("<d", math.nan)
_SOON = 0.02
"""Seconds for which frames may wait for each other."""
_MOST_WAITING = 256
"""Frames that are written at once, of three parts each (writev takes 1024)."""
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
        self._forms: dict[int, tuple[int, list[int] | None]] = {}
        self._pending: list[Descriptor] = []
        self._digests: list[bytes] = []
        self._sketches: list[float] = []
        self._waiting: list[Any] = []
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

    def commit(self, step: int, *, soon: bool = False) -> None:
        """Write the frame of the events since the last commit, or `soon`; nothing if there are none. Raises OSError."""
        if self._pending:
            self._write(step, soon=soon)
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

    def knows(self, template: int) -> bool:
        """Is that number still good? Among too many others it is forgotten."""
        return template in self._forms

    def frame(
        self, step: int, template: int, digests: Sequence[bytes], sketches: Sequence[float] = (), *, soon: bool = False
    ) -> None:
        """Write one frame of a known form.

        Args:
            step: completed steps before it.
            template: from `template()`, with n events.
            digests: n of 16 bytes each.
            sketches: a and b of each of the first events; the rest has no numbers (NaN).
            soon: it may wait for a few milliseconds, to be written together with the frames that follow. In short steps the system
                call would cost more than the digests; a process that is killed loses what it did in that time.

        Raises:
            OSError: it could not be written; the file ends with the frame before.
        """
        self._waiting.append((step, template, digests, sketches))
        self.frames += 1
        now = _monotonic()
        if not soon or now - self._written > _SOON or len(self._waiting) > _MOST_WAITING:
            self._written = now
            self._flush()

    def close(self) -> None:
        """Write what is pending and close; safe to call again. Raises OSError."""
        if not self._file.closed:
            try:
                if self._pending:
                    self._write(self.step)
                elif self._waiting:
                    self._flush()
            finally:
                self._file.close()

    def abandon(self) -> None:
        """Close without writing: for a forked child, whose parent goes on with this file."""
        self._pending.clear()
        self._digests.clear()
        self._sketches.clear()
        self._waiting.clear()
        self._file.close()

    def _flush(self) -> None:
        """Write what waits, in one system call. Raises OSError; then it is lost, and the file ends with what was written before."""
        waiting, self._waiting = self._waiting, []
        parts: list[bytes] = []
        for one in waiting:
            parts += one[1:] if one[0] is TEMPLATE else self._packed(*one)
        self._file.append(parts)

    def _packed(
        self, step: int, template: int, digests: Sequence[bytes], sketches: Sequence[float]
    ) -> tuple[bytes, bytes, bytes]:
        count, compared = self._forms[template]
        body = b"".join(digests)
        if len(body) != count * DIGEST_BYTES or len(sketches) > 2 * count:
            raise ValueError(
                f"{len(body)} bytes of digests and {len(sketches)} numbers do not go with {count} events (16 and 2 an event)"
            )
        hashed = body if compared is None else b"".join([digests[i] for i in compared])
        numbers = struct.pack(f"<{len(sketches)}d", *sketches) + _NO_NUMBER * (2 * count - len(sketches))
        return self._codec.frame(STEP, template, count, step, self._codec.hash128(hashed), body, numbers), body, numbers

    def _write(self, step: int, *, soon: bool = False) -> None:
        pending, digests, sketches = self._pending, self._digests, self._sketches
        self._pending, self._digests, self._sketches = [], [], []
        while len(pending) > _SPLIT:
            self._write_frame(step, pending[:_SPLIT], digests[:_SPLIT], sketches[: 2 * _SPLIT])
            del pending[:_SPLIT], digests[:_SPLIT], sketches[: 2 * _SPLIT]
        self._write_frame(step, pending, digests, sketches, soon=soon)

    def _write_frame(
        self, step: int, pending: list[Descriptor], digests: list[bytes], sketches: list[float], *, soon: bool = False
    ) -> None:
        if pending != self._last or not self.knows(self._last_id):
            self._last_id = self.template(pending)
            self._last = pending
        self.frame(step, self._last_id, digests, sketches, soon=soon)

    def _new_template(self, key: tuple[Descriptor, ...]) -> int:
        if self._known_events + len(key) > _MOST_KNOWN:
            self._known.clear()
            self._flush()  # what waits for its form
            self._forms.clear()
            self._known_events = 0
        number = self._templates
        compared = [i for i, event in enumerate(key) if event[1] != Phase.STATE]
        self._forms[number] = len(key), None if len(compared) == len(key) else compared
        self._known[key] = number
        self._known_events += len(key)
        self._templates += 1
        body = _encode(key, _LONGEST_TEXT)
        if len(body) > MOST_TEMPLATE_BYTES:
            body = _encode(key, _SHORT_TEXT)
        head = self._codec.frame(TEMPLATE, number, len(key), len(body), self._codec.hash128(body), body)
        self._waiting.append((TEMPLATE, head, body))
        return number


def _encode(key: tuple[Descriptor, ...], longest: int) -> bytes:
    """The written form of a template; longer names are cut."""
    plain: list[list[Any]] = []
    for name, phase, op, dtype, shape, location in key:
        short = [text[:longest] if text is not None else None for text in (op, dtype, location)]
        plain.append([name[:longest], int(phase), *short[:2], None if shape is None else list(shape), short[2]])
    body = json.dumps(plain, separators=(",", ":")).encode()
    return body + b" " * (-len(body) % PAD)
