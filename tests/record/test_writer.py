"""What is written is read again; a process that is killed loses no whole step; a full disk breaks nothing."""

from __future__ import annotations

import errno
import math
import os
import resource
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprotest.record import Stream, Tail
from reprotest.record import writer as module
from reprotest.record.event import Phase
from reprotest.record.writer import StreamWriter

texts = st.text(max_size=20)
shapes = st.none() | st.lists(st.integers(0, 2**40), max_size=3).map(tuple)
numbers = st.floats(allow_nan=False)
events = st.tuples(
    texts, st.sampled_from(Phase), st.binary(min_size=16, max_size=16), numbers, numbers,
    st.none() | texts, st.none() | texts, shapes, st.none() | texts,
)  # fmt: skip
frames = st.tuples(st.integers(-(2**63), 2**63 - 2), st.lists(events, min_size=1, max_size=6))


def write(path, frames):
    writer = StreamWriter(path)
    for step, content in frames:
        for name, phase, digest, a, b, op, dtype, shape, location in content:
            writer.event(name, phase, digest, a, b, op=op, dtype=dtype, shape=shape, location=location)
        writer.commit(step)
    writer.close()


def plain(frames):
    """Frames as `write` takes them."""
    return [
        (f.step, [(e.name, e.phase, e.digest, e.a, e.b, e.op, e.dtype, e.shape, e.location) for e in f.events])
        for f in frames
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(frames, max_size=8), st.lists(st.integers(0, 7), max_size=12))
def test_round_trip(tmp_path_factory, pool, picks):
    """Any frames, some of them again and again, are read as they were written: as a whole and while they grow."""
    written = [pool[i % len(pool)] for i in picks] if pool else []
    path = tmp_path_factory.mktemp("record") / "main.rec"
    write(path, written)
    stream = Stream(path)
    stream.verify()
    assert plain(stream.frames) == written
    assert stream.torn == 0
    assert [f.index for f in stream.frames] == list(range(len(written)))
    assert plain(Tail(path).poll()) == written
    assert sum(s.count for s in stream.segments()) == len(written)


def test_packed_frames_are_the_same_as_events(tmp_path):
    described = [("w", Phase.UPDATE, None, "float32", (2,), "train.py:3"), ("rng", Phase.STATE, None, None, None, None)]
    digests = os.urandom(32)
    one, other = StreamWriter(tmp_path / "a.rec"), StreamWriter(tmp_path / "b.rec")
    for step in range(3):
        other.frame(step, other.template(described), [digests[:16], digests[16:]], [1, 2, 3, 4], soon=step < 2)
        one.event("w", Phase.UPDATE, digests[:16], 1, 2, dtype="float32", shape=(2,), location="train.py:3")
        one.event("rng", Phase.STATE, digests[16:], 3, 4)
        one.commit(step)
    many = StreamWriter(tmp_path / "c.rec")
    for step in range(3):
        many.events(described, [digests[:16], digests[16:]], [1, 2, 3, 4])
        many.commit(step)
    for writer in (one, other, many):
        writer.close()
    assert (tmp_path / "a.rec").read_bytes() == (tmp_path / "b.rec").read_bytes() == (tmp_path / "c.rec").read_bytes()
    wrong = StreamWriter(tmp_path / "d.rec")
    with pytest.raises(ValueError, match="16 and 2 an event"):
        wrong.frame(0, wrong.template(described), [b"123"])


def test_the_root_sees_everything_but_random_states(tmp_path):
    def roots(name, state, value):
        write(
            tmp_path / name,
            [(0, [("rng", Phase.STATE, state, 0, 0, *[None] * 4), ("w", Phase.LOSS, value, 1, 0, *[None] * 4)])],
        )
        return Stream(tmp_path / name).frames[0].root

    a = roots("a.rec", b"s" * 16, b"v" * 16)
    assert a == roots("b.rec", b"t" * 16, b"v" * 16)
    assert a != roots("c.rec", b"s" * 16, b"w" * 16)


def test_a_regular_run_costs_32_bytes_an_event(tmp_path):
    writer = StreamWriter(tmp_path / "main.rec")
    for step in range(100):
        for i in range(50):
            writer.event(f"layer.{i}", Phase.UPDATE, os.urandom(16), dtype="float32", shape=(3, 4))
        writer.commit(step)
        if step == 0:
            start = os.path.getsize(tmp_path / "main.rec")
    writer.close()
    grown = os.path.getsize(tmp_path / "main.rec") - start
    assert grown == 99 * (50 * 32 + 48)
    assert len(list(Stream(tmp_path / "main.rec").segments())) == 1


def test_memory_is_bounded_without_commits_and_with_ever_new_shapes(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_SPLIT", 100)
    monkeypatch.setattr(module, "_MOST_KNOWN", 500)
    writer = StreamWriter(tmp_path / "a.rec")
    for i in range(1050):
        writer.event("x", Phase.OUTPUT, i.to_bytes(16, "little"), shape=(i,))
    assert writer.pending == 50
    writer.events([("y", Phase.OUTPUT, None, None, None, None)] * 250, [bytes(16)] * 250, [0.0] * 500)
    writer.commit(7)
    assert writer._known_events <= 500
    writer.close()
    stream = Stream(tmp_path / "a.rec")
    assert [e.shape for f in stream.frames for e in f.events][:1050] == [(i,) for i in range(1050)]
    assert sum(len(f.events) for f in stream.frames) == 1300


def test_very_long_names_are_cut(tmp_path):
    write(
        tmp_path / "a.rec", [(0, [("n" * 10_000, Phase.LOSS, bytes(16), 0, 0, "o" * 10_000, None, None, "l" * 10_000)])]
    )
    event = Stream(tmp_path / "a.rec").frames[0].events[0]
    assert (len(event.name), len(event.op), len(event.location)) == (300, 300, 300)


def test_numbers_of_every_kind_survive(tmp_path):
    write(tmp_path / "a.rec", [(0, [("x", Phase.LOSS, bytes(16), math.nan, -math.inf, *[None] * 4)])])
    event = Stream(tmp_path / "a.rec").frames[0].events[0]
    assert math.isnan(event.a)
    assert event.b == -math.inf


def test_nothing_is_written_for_an_empty_commit(tmp_path):
    writer = StreamWriter(tmp_path / "a.rec")
    writer.commit(0)
    writer.event("x", Phase.LOSS, bytes(16))
    assert (writer.frames, writer.pending) == (0, 1)
    writer.commit(1)
    assert (writer.frames, writer.pending) == (1, 0)
    writer.close()
    writer.close()
    assert [f.step for f in Stream(tmp_path / "a.rec").frames] == [1]


def test_what_is_pending_is_written_on_close_but_not_when_abandoned(tmp_path):
    for name, end, expected in (("a.rec", StreamWriter.close, 1), ("b.rec", StreamWriter.abandon, 0)):
        writer = StreamWriter(tmp_path / name)
        writer.event("x", Phase.LOSS, bytes(16))
        end(writer)
        assert len(Stream(tmp_path / name).frames) == expected


KILLED = """
import os, sys
from reprotest.record.writer import StreamWriter
from reprotest.record.event import Phase
writer = StreamWriter(sys.argv[1])
step = 0
while True:
    for i in range(200):
        writer.event(f"w{i}", Phase.UPDATE, step.to_bytes(16, "little"), shape=(step // 3,))
    writer.commit(step)
    step += 1
"""


@pytest.mark.slow
def test_a_killed_process_leaves_every_whole_step(tmp_path):
    for round in range(8):
        path = tmp_path / f"{round}.rec"
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)])
        while not path.exists() or path.stat().st_size < 20_000 * (round + 1):
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        stream = Stream(path)
        stream.verify()
        assert [f.step for f in stream.frames] == list(range(len(stream.frames)))
        assert len(stream.frames) >= 1
        assert stream.torn is not None
        assert stream.torn < 50_000


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
from reprotest.record.writer import StreamWriter
from reprotest.record.event import Phase
writer = StreamWriter(sys.argv[1])
try:
    for step in range(100):
        writer.event("w", Phase.UPDATE, bytes(16))
        writer.commit(step)
except OSError as error:
    print(error.errno, step)
"""


def test_a_full_disk_is_an_os_error_and_the_record_stays_whole(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "a.rec")], capture_output=True, text=True, check=True
    )
    number, step = map(int, done.stdout.split())
    assert number == errno.EFBIG
    stream = Stream(tmp_path / "a.rec")
    stream.verify()
    assert len(stream.frames) == step
    assert stream.torn == 0


def test_a_program_that_closes_all_descriptors_does_not_get_our_bytes(tmp_path):
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft <= 1000:
        pytest.skip("too few descriptors allowed here")
    writer = StreamWriter(tmp_path / "a.rec")
    assert writer._file._fd >= 700
    os.close(writer._file._fd)
    writer.event("x", Phase.LOSS, bytes(16))
    with pytest.raises(OSError, match="descriptor"):
        writer.commit(0)


def test_writing_needs_neither_numpy_nor_anything_heavy(tmp_path):
    program = (
        "import sys, reprotest.record.writer, reprotest.record.values, reprotest.digest;"
        "print(sorted({'numpy', 'click', 'rich', 'asyncio', 'pathlib._x', 'hashlib', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"
