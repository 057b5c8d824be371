"""Memory does not grow with the length of a run, and what is looked up anew is the same as what is remembered."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import pytest

from reprotest.compare import first_difference
from reprotest.compare.outcome import outcome
from reprotest.record import Record, Stream, open_record, stream
from reprotest.record.event import Phase
from reprotest.record.writer import StreamWriter


def irregular(folder: Path, frames: int, *, flip: bool = False) -> Path:
    """Steps and single values by turns, so that every frame is a segment of its own; the last may differ."""
    (folder / "streams").mkdir(parents=True)
    writer = StreamWriter(folder / "streams" / "main.rec")
    step = writer.template([("w", Phase.UPDATE, None, "float32", (2,), None)])
    value = writer.template([("loss", Phase.METRIC, None, "float", (), None)])
    for n in range(frames):
        digest = (n + (flip and n == frames - 1)).to_bytes(16, "little")
        writer.frame(n // 2, value if n % 2 else step, [digest], [0.0, 0.0], soon=True)
    writer.close()
    return folder


@pytest.mark.parametrize("kept", [1, 3, 1000])
def test_segments_that_are_not_remembered(tmp_path, monkeypatch, kept):
    path = irregular(tmp_path / "run", 10) / "streams" / "main.rec"
    expected = [(f.index, f.step, f.events) for f in Stream(path).frames]
    monkeypatch.setattr(stream, "_SEGMENTS_KEPT", kept)
    monkeypatch.setattr(stream, "_MOST_AT_ONCE", 2)
    again = Stream(path)
    for _ in range(2):
        assert [(s.first, s.count, s.roots.tolist()) for s in again.segments()] == [
            (s.first, s.count, s.roots.tolist()) for s in Stream(path).segments()
        ]
        assert [(f.index, f.step, f.events) for f in again.frames] == expected
    assert again.torn == 0


@pytest.mark.parametrize("kept", [1, 2, 5, 1000])
def test_any_frame_is_found_from_those_that_are_remembered(tmp_path, monkeypatch, kept):
    path = irregular(tmp_path / "run", 41) / "streams" / "main.rec"
    expected = [(f.index, f.root) for f in Stream(path).frames]
    assert [index for index, _ in expected] == list(range(41))
    monkeypatch.setattr(stream, "_ANCHORS", kept)
    monkeypatch.setattr(stream, "_SEGMENTS_KEPT", 3)
    monkeypatch.setattr(stream, "_MOST_AT_ONCE", 2)
    frames = Stream(path).frames
    assert len(frames) == 41
    order = [*range(41), *reversed(range(41)), *random.Random(0).choices(range(41), k=200), -1]
    assert [(frames[i].index, frames[i].root) for i in order] == [expected[i] for i in order]
    assert [(f.index, f.root) for f in frames[7:30:3]] == expected[7:30:3]
    assert all(frames.equal(i, frames[i]) for i in range(41))
    assert not frames.equal(3, frames[5])
    with pytest.raises(IndexError):
        _ = frames[41]


def test_a_long_regular_run_is_the_same_in_pieces(tmp_path, monkeypatch):
    paths = []
    for name in "ab":
        (tmp_path / name / "streams").mkdir(parents=True)
        writer = StreamWriter(tmp_path / name / "streams" / "main.rec")
        for n in range(100):
            writer.event("w", Phase.UPDATE, (n + (name == "b" and n >= 70)).to_bytes(16, "little"))
            writer.commit(n)
        writer.close()
        paths.append(tmp_path / name)

    def look() -> tuple[object, ...]:
        a, b = map(open_record, paths)
        return first_difference(a, b), outcome(a), outcome(b), a.steps, a.phases

    whole = look()
    monkeypatch.setattr(stream, "_MOST_AT_ONCE", 8)
    assert look() == whole
    assert whole[0] is not None
    assert whole[0].step == 70


def peak(a: Record, b: Record) -> int:
    tracemalloc.start()
    try:
        found = first_difference(a, b)
        assert found is not None
        assert outcome(a).digest != outcome(b).digest
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "_SEGMENTS_KEPT", 100)
    pairs = [
        [open_record(irregular(tmp_path / f"{frames}{flip}", frames, flip=flip)) for flip in (False, True)]
        for frames in (2_000, 8_000)
    ]
    short, long = (peak(*pair) for pair in pairs)
    assert long < 1.2 * short + 20_000


def test_going_through_frames_takes_the_same_memory_however_many_there_are(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "_SEGMENTS_KEPT", 100)
    monkeypatch.setattr(stream, "_ANCHORS", 100)
    draw = random.Random(0)

    def measured(frames: int) -> int:
        path = irregular(tmp_path / str(frames), frames) / "streams" / "main.rec"
        tracemalloc.start()
        try:
            found = Stream(path).frames
            assert sum(1 for _ in found) == len(found) == frames
            assert all(found[i].index == i for i in draw.choices(range(frames), k=50))
            assert all(found.equal(i, found[i]) for i in range(0, frames, frames // 50))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    short, long = measured(2_000), measured(30_000)
    assert long < 1.2 * short + 20_000
