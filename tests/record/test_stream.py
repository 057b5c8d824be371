"""Streams give arrays over whole stretches of frames, and golden files stay readable."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")

from reprotest.record import Stream  # noqa: E402
from reprotest.record.event import Phase  # noqa: E402
from reprotest.record.writer import StreamWriter  # noqa: E402

GOLDEN = Path(__file__).parent / "golden"


def golden(path):
    """Writes what golden/main.rec holds."""
    writer = StreamWriter(path)
    rng = random.Random(0)
    writer.event("net.weight", Phase.INIT, rng.randbytes(16), 0.5, 0.25, dtype="float32", shape=(4, 3))
    writer.commit(0)
    for step in range(3):
        writer.event(
            "batch[0]", Phase.DATA, rng.randbytes(16), 1.0, 2.0, dtype="float32", shape=(8, 4), location="train.py:12"
        )
        writer.event("net.weight", Phase.BACKWARD, rng.randbytes(16), op="aten::mm", dtype="bfloat16", shape=(4, 3))
        writer.event("torch.random", Phase.STATE, rng.randbytes(16))
        writer.event("löss", Phase.LOSS, rng.randbytes(16), 0.125, 0.0, dtype="float", shape=())
        writer.commit(step)
    writer.close()


def test_the_format_does_not_change_by_accident(tmp_path):
    """If this fails, raise VERSION in record/format.py, and keep reading the old one."""
    golden(tmp_path / "main.rec")
    assert (tmp_path / "main.rec").read_bytes() == (GOLDEN / "main.rec").read_bytes()


def test_a_golden_record_is_read():
    stream = Stream(GOLDEN / "main.rec")
    stream.verify()
    frames = stream.frames
    assert [f.step for f in frames] == [0, 0, 1, 2]
    event = frames[2].events[1]
    assert (event.name, event.phase, event.op, event.dtype, event.shape) == (
        "net.weight",
        Phase.BACKWARD,
        "aten::mm",
        "bfloat16",
        (4, 3),
    )
    assert frames[3].events[3].name == "löss"
    assert frames[3].events[3].a == 0.125
    assert frames[1].events[0].location == "train.py:12"


def test_segments_are_arrays_over_the_frames(tmp_path):
    rng = random.Random(0)
    writer = StreamWriter(tmp_path / "main.rec")
    for step in range(1000):
        for i in range(4 if step < 700 else 2):
            writer.event(f"w{i}", Phase.UPDATE, rng.randbytes(16), step, i)
        writer.commit(step)
    writer.close()
    stream = Stream(tmp_path / "main.rec")
    segments = list(stream.segments())
    assert [(s.first, s.count, s.events) for s in segments] == [(0, 700, 4), (700, 300, 2)]
    for segment in segments:
        assert segment.steps.tolist() == list(range(segment.first, segment.first + segment.count))
        frame = segment.frame(5)
        assert segment.roots[5].tobytes() == frame.root == segment.root(5)
        assert segment.digests[5].tobytes() == bytes(frame.digests)
        assert np.array_equal(segment.sketches[5], frame.sketches)
        assert segment.sketches[5, 1].tolist() == [segment.first + 5, 1]


def test_frames_are_a_sequence(tmp_path):
    golden(tmp_path / "main.rec")
    frames = Stream(tmp_path / "main.rec").frames
    assert len(frames) == 4
    assert frames[-1].step == 2
    assert [f.step for f in frames[1:3]] == [0, 1]
    assert [f.step for f in reversed(frames)] == [2, 1, 0, 0]
    with pytest.raises(IndexError):
        _ = frames[4]
    assert frames.equal(2, frames[2])


def test_templates_compare_by_what_the_events_are(tmp_path):
    def template(**changes):
        writer = StreamWriter(tmp_path / "t.rec")
        event = {"op": "aten::mm", "dtype": "float32", "shape": (2,), "location": "a.py:1"} | changes
        writer.event("x", Phase.LOSS, bytes(16), **event)
        if changes.get("location"):
            writer.event("rng", Phase.STATE, bytes(16))
        writer.commit(0)
        writer.close()
        return Stream(tmp_path / "t.rec").frames[0].template

    assert template().alike(template())
    assert template().alike(template(location="a.py:2"))  # a line that moved, another random state: still comparable
    for change in ({"op": None}, {"dtype": "float16"}, {"shape": (3,)}):
        assert not template().alike(template(**change))
