"""A growing stream gives each frame once, whatever pieces it comes in."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from reprotest.record import Stream, Tail
from reprotest.record import tail as module
from reprotest.record.event import Phase
from reprotest.record.writer import StreamWriter


def sample(path, steps):
    writer = StreamWriter(path)
    for step in range(steps):
        for i in range(1 + step % 3):
            writer.event(f"w{i}", Phase.UPDATE, (step * 10 + i).to_bytes(16, "little"))
        writer.commit(step)
    writer.close()
    return path.read_bytes()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1))
def test_pieces_of_any_size(tmp_path_factory, pieces):
    folder = tmp_path_factory.mktemp("tail")
    data = sample(folder / "whole.rec", 9)
    expected = [(f.index, f.step, f.events) for f in Stream(folder / "whole.rec").frames]
    tail, seen, at = Tail(folder / "main.rec"), [], 0
    assert tail.poll() == []
    for size in [*pieces, len(data)]:
        with open(folder / "main.rec", "ab") as file:
            file.write(data[at : at + size])
        at += size
        frames = tail.poll()
        assert tail.poll() == []
        seen += [(f.index, f.step, f.events) for f in frames]
    assert seen == expected
    assert tail.frames == 9


def test_frames_larger_than_what_is_read_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", 50)
    sample(tmp_path / "main.rec", 9)
    tail, steps = Tail(tmp_path / "main.rec"), []
    while frames := tail.poll():
        steps += [f.step for f in frames]
    assert steps == list(range(9))
    assert tail.key == "main"


def test_a_file_that_shrinks_again(tmp_path):
    """A writer cuts off what it could not write whole."""
    data = sample(tmp_path / "main.rec", 3)
    (tmp_path / "main.rec").write_bytes(data[:-10])
    tail = Tail(tmp_path / "main.rec")
    assert [f.step for f in tail.poll()] == [0, 1]
    (tmp_path / "main.rec").write_bytes(data[:-200])
    assert tail.poll() == []
