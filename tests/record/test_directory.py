"""A run's folder as one object."""

from __future__ import annotations

import json

import pytest

import reprotest.record
from reprotest.errors import RecordError
from reprotest.record import open_record
from reprotest.record.event import Phase
from reprotest.record.values import ValueWriter
from reprotest.record.writer import StreamWriter


@pytest.fixture
def run(tmp_path):
    for name in ("streams", "values", "watch"):
        (tmp_path / name).mkdir()
    for key, steps in (("main", 3), ("main~SpawnProcess-1", 5), ("empty", 0)):
        writer = StreamWriter(tmp_path / "streams" / f"{key}.rec")
        for step in range(steps):
            writer.event("batch", Phase.DATA, bytes(16))
            writer.commit(step)
            writer.event("rng", Phase.STATE, bytes(16))
            writer.event("w", Phase.UPDATE, bytes(16))
            writer.event("b", Phase.UPDATE, bytes(16))
            writer.commit(step)
        writer.close()
    values = ValueWriter(tmp_path / "values" / "main.val")
    values.put(0, 0, "float32", (1,), b"1234")
    values.close()
    for pid, key, calls in ((17, "main", 2), (9, "main/SpawnProcess-1", 3)):
        document = {
            "pid": pid,
            "key": key,
            "factors": {"clock": {"train.py:3": calls}},
            "notes": ["same"],
            "extra": {"modules": [key]},
        }
        (tmp_path / "watch" / f"{pid}.json").write_text(json.dumps(document))
    (tmp_path / "exit.json").write_text('{"ended": "finished", "exit_code": 0, "seconds": 1.5}')
    return tmp_path


def test_what_a_record_knows(run):
    record = reprotest.record.open(run)
    assert list(record.streams) == ["empty", "main", "main/SpawnProcess-1"]
    assert record.steps == 5
    assert record.phases == {"data": 8, "update": 16}
    assert record.uses() == {"clock": {"train.py:3": 5}}
    assert record.notes() == ["same"]
    assert record.extras("modules") == [["main"], ["main/SpawnProcess-1"]]
    assert record.exit["exit_code"] == 0
    assert record.manifest == {}
    assert record.values("main").get(0, 0).raw == b"1234"
    assert record.values("empty") is None
    assert record.values("nobody") is None
    record.close()
    record.close()
    assert record.steps == 5  # it can be opened again


def test_a_torn_stream_is_said(run):
    with open(run / "streams" / "main.rec", "ab") as file:
        file.write((run / "streams" / "main.rec").read_bytes()[-100:-90])
    notes = open_record(run).notes()
    assert [note for note in notes if "main ends in the middle of a step (10 bytes" in note]


def test_folders_without_a_record(tmp_path):
    with pytest.raises(RecordError, match="not the folder of a run"):
        open_record(tmp_path / "nowhere")
    with pytest.raises(RecordError, match="holds no record"):
        open_record(tmp_path)
    (tmp_path / "plan.json").write_text("{}")
    record = open_record(tmp_path)
    assert (record.steps, record.phases, record.streams, record.uses(), record.notes(), record.exit) == (
        0,
        {},
        {},
        {},
        [],
        {},
    )


def test_a_file_that_is_no_stream(tmp_path):
    (tmp_path / "streams").mkdir()
    (tmp_path / "streams" / "main.rec").write_bytes(b"\x80\x04 a pickle, perhaps")
    with pytest.raises(RecordError, match=r"main\.rec is not a reprotest record"):
        open_record(tmp_path)


def test_lazy_names():
    assert set(reprotest.record.__all__) <= {
        name for name in reprotest.record.__all__ if getattr(reprotest.record, name)
    }
    with pytest.raises(AttributeError):
        _ = reprotest.record.nothing
