"""Follows a live run against a finished one, to end it at the first frame that differs."""

from __future__ import annotations

import os
from pathlib import Path

from reprotest.compare import ends
from reprotest.compare.frames import Found, difference_in_frame
from reprotest.compare.pairs import is_numbered
from reprotest.compare.records import difference_of, place
from reprotest.compare.streams import Mismatch, check_comparable
from reprotest.record.directory import Record
from reprotest.record.frame import Frame
from reprotest.record.stream import Frames, Stream
from reprotest.record.tail import Tail
from reprotest.result import Difference


class Lockstep:
    """Compares each frame of a live run with the reference as soon as it is written.

    What can only be judged at the end (a stream or steps that are missing, what was saved, the exit code) is left to `first_difference`.

    Attributes:
        step: completed steps seen so far, of the longest stream.
    """

    def __init__(self, reference: Record | None, only: str | None = None) -> None:
        """Without a reference it only counts steps. `only`: compare the stream of this key and no other."""
        self._reference = reference
        self._only = only
        self._tails: dict[str, Tail] = {}
        self._steps: dict[str, int] = {}
        self._frames: dict[str, Frames] = {}
        self._at: dict[str, int] = {}

    @property
    def step(self) -> int:
        return max(self._steps.values(), default=0)

    def poll(self, run_dir: str | Path) -> Difference | None:
        """Read what was written since the last call; the earliest difference in it, over all streams.

        Raises:
            RecordError: a stream is damaged, or was hashed by another algorithm than the reference's.
        """
        found: list[Difference] = []
        for tail in self._found_tails(Path(run_dir)):
            while frames := tail.poll():
                self._steps[tail.key] = self._steps.get(tail.key, 0) + sum(f.template.completes_step for f in frames)
                difference = self._compare(Path(run_dir), tail, frames) if self._reference is not None else None
                if difference is not None:
                    found.append(difference)
                    break
        return min(found, key=place, default=None)

    def _found_tails(self, run_dir: Path) -> list[Tail]:
        try:
            names = sorted(os.listdir(run_dir / "streams"))
        except FileNotFoundError:
            return []
        for name in names:
            if name.endswith(".rec") and name not in self._tails:
                self._tails[name] = Tail(run_dir / "streams" / name)
        return [self._tails[name] for name in sorted(self._tails)]

    def _compare(self, run_dir: Path, tail: Tail, frames: list[Frame]) -> Difference | None:
        reference = self._reference
        assert reference is not None
        stream = reference.streams.get(tail.key)
        if is_numbered(tail.key):
            return None  # it may go with another number of the reference
        if self._only is not None and tail.key != self._only:
            return None
        if stream is None:
            return self._beyond(run_dir, tail, None, frames)
        if tail.key not in self._frames:
            check_comparable(stream, Stream(tail.path))
            self._frames[tail.key] = stream.frames
        expected = self._frames[tail.key]
        for frame in frames:
            if frame.template.is_saved:  # judged at the end
                continue
            at = self._at.get(tail.key, 0)
            while at < len(expected) and expected.template(at).is_saved:
                at += 1
            self._at[tail.key] = at + 1
            if at >= len(expected):
                return self._beyond(run_dir, tail, stream, [frame])
            if expected.equal(at, frame):
                continue
            ours = expected[at]
            found = difference_in_frame(ours, frame)
            if found is not None and not found.renamed:
                return self._difference(run_dir, tail, stream, Mismatch(found, ours, frame))
        return None

    def _beyond(self, run_dir: Path, tail: Tail, stream: Stream | None, frames: list[Frame]) -> Difference | None:
        """The live run does more than the whole reference did."""
        assert self._reference is not None
        frame = next((f for f in frames if f.template.compared and not f.template.is_saved), None)
        said = ends.cut_short(self._reference, 1, "here" if stream is not None else f"without {tail.key}")
        if said is None or frame is None:
            return None
        if stream is None and said[0] != "died":
            said = "extra", f"run 1 has no process or thread {tail.key!r}"
        return self._difference(
            run_dir, tail, stream, Mismatch(Found(said[0], None, frame.template.compared[0], said[1]), None, frame)
        )

    def _difference(self, run_dir: Path, tail: Tail, stream: Stream | None, mismatch: Mismatch) -> Difference:
        assert self._reference is not None
        live = Record(run_dir)
        try:
            return difference_of(self._reference, live, stream, Stream(tail.path), mismatch)
        finally:
            live.close()
