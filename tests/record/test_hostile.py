"""Records that are torn, damaged or made by an enemy: a RecordError or what can still be trusted, never anything else."""

from __future__ import annotations

import json
import random
import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprotest.digest.algorithm import ALGORITHM
from reprotest.errors import RecordError
from reprotest.record import Stream, Tail, open_record
from reprotest.record.event import Phase
from reprotest.record.format import FRAME, HEADER, MOST_EVENTS, STEP, TEMPLATE, Codec
from reprotest.record.values import MAGIC, ValueReader, ValueWriter
from reprotest.record.writer import StreamWriter


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The bytes of a record with two templates, and where its frames end."""
    path = tmp_path_factory.mktemp("sample") / "main.rec"
    writer = StreamWriter(path)
    rng = random.Random(0)
    ends = [path.stat().st_size]
    for step in range(12):
        for i in range(3 + (step == 5)):
            writer.event(
                f"w{i}", Phase.UPDATE, rng.randbytes(16), rng.random(), rng.random(), dtype="float32", shape=(2, 3)
            )
        writer.event("torch.random", Phase.STATE, rng.randbytes(16))
        writer.commit(step)
        ends.append(path.stat().st_size)
    writer.close()
    return path.read_bytes(), ends


def read_all(path):
    """Everything that can be asked of a stream."""
    stream = Stream(path)
    events = [(f.step, f.events) for f in stream.frames]
    stream.verify()
    assert repr(follow(path)) == repr(events)
    return events, stream.torn


def follow(path):
    """Everything that a tail gives of it."""
    tail, seen = Tail(path), []
    while frames := tail.poll():
        seen += [(f.step, f.events) for f in frames]
    return seen


def test_every_truncation_leaves_the_whole_frames_before_it(sample, tmp_path):
    data, ends = sample
    path = tmp_path / "main.rec"
    path.write_bytes(data)
    whole, _ = read_all(path)
    for cut in range(len(data)):
        path.write_bytes(data[:cut])
        events, torn = read_all(path)
        kept = sum(end <= cut for end in ends[1:])
        assert events == whole[:kept]
        assert (
            torn >= cut - max((end for end in ends if end <= cut), default=0) - 512
        )  # a template may stand before the frame
        assert (torn > 0) == (cut not in (*ends, 0) and torn > 0)


def test_every_flipped_bit_is_found(sample, tmp_path):
    data, _ = sample
    path = tmp_path / "main.rec"
    rng = random.Random(1)
    for at in range(len(data)):
        bad = bytearray(data)
        bad[at] ^= 1 << rng.randrange(8)
        path.write_bytes(bad)
        with pytest.raises(RecordError, match=r"main\.rec"):
            read_all(path)


def test_zeros_after_a_power_failure_are_a_torn_tail(sample, tmp_path):
    data, _ = sample
    path = tmp_path / "main.rec"
    path.write_bytes(data + bytes(100_000))
    events, torn = len(Stream(path).frames), Stream(path)
    assert events == 12
    assert len(torn.frames) == 12
    assert torn.torn == 100_000


def frame(codec, magic, template, count, step, root, body):
    return (
        codec.frame(
            magic,
            template,
            count,
            step,
            root,
            *((body[: 16 * count], body[16 * count :]) if magic == STEP else (body,)),
        )
        + body
    )


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"null", b"[1]", b"[[]]", b'[["x"]]', b'[["x", 99, null, null, null, null]]', b'[["x", "0", null, null, null, null]]',
        b'[[1, 0, null, null, null, null]]', b'[["x", 0, 5, null, null, null]]', b'[["x", 0, null, null, "no", null]]',
        b'[["x", 0, null, null, [1.5], null]]', b'[["x", 0, null, null, [true], null]]', b'[["x", true, null, null, null, null]]',
        b"[" * 100_000, b'[["x", 1e999, null, null, null, null]]', b"\xff\xfe", b'[["x", 0, null, null, null, null], 7]',
        b'[["x", ' + b"9" * 5000 + b", null, null, null, null]]",
    ],
)  # fmt: skip
def test_templates_that_are_not_what_we_write(tmp_path, body):
    codec = Codec(ALGORITHM)
    body += b" " * (-len(body) % 16)
    path = tmp_path / "main.rec"
    step = frame(codec, STEP, 0, 1, 0, bytes(16), bytes(32))
    path.write_bytes(codec.header() + frame(codec, TEMPLATE, 0, 1, len(body), codec.hash128(body), body) + step)
    with pytest.raises(RecordError, match=r"main\.rec"):
        read_all(path)
    with pytest.raises(RecordError, match=r"main\.rec"):
        Tail(path).poll()


def test_frames_that_claim_the_impossible(tmp_path):
    codec = Codec(ALGORITHM)
    path = tmp_path / "main.rec"
    body = json.dumps([["x", 0, None, None, None, None]]).encode().ljust(48)
    template = frame(codec, TEMPLATE, 0, 1, len(body), codec.hash128(body), body)
    for bad in (
        frame(codec, STEP, 0, 1, 0, bytes(16), bytes(32)),  # no template yet
        frame(codec, TEMPLATE, 5, 1, len(body), bytes(16), body),  # numbers must be counted
        template + frame(codec, STEP, 0, 2, 0, bytes(16), bytes(64)),  # another number of events
        template + frame(codec, STEP, 1, 1, 0, bytes(16), bytes(32)),
        codec.frame(STEP, 0, MOST_EVENTS + 1, 0, bytes(16)),
        codec.frame(TEMPLATE, 0, 1, -1, bytes(16)),
        codec.frame(TEMPLATE, 0, 1, 2**62, bytes(16)),
        codec.frame(b"EVIL", 0, 1, 0, bytes(16)),
    ):
        path.write_bytes(codec.header() + bad)
        with pytest.raises(RecordError, match=r"main\.rec"):
            read_all(path)
        path.write_bytes(codec.header() + bad)
        with pytest.raises(RecordError, match=r"main\.rec"):
            follow(path)


def test_a_frame_that_claims_much_more_than_there_is_costs_no_memory(tmp_path):
    codec = Codec(ALGORITHM)
    path = tmp_path / "main.rec"
    path.write_bytes(codec.header() + codec.frame(STEP, 0, MOST_EVENTS, 0, bytes(16)) + bytes(100))
    tracemalloc.start()
    assert read_all(path) == ([], FRAME.size + 100)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_headers_that_are_not_ours(tmp_path):
    codec, path = Codec(ALGORITHM), tmp_path / "main.rec"
    header = codec.header()
    for bad, said in (
        (b"PK\x03\x04 something else", "not a reprotest record"),
        (header[:8] + b"\2\0" + header[10:], "version 2"),
        (header[:16] + b"md5".ljust(16, b"\0") + header[32:], "md5"),
        (header[:16] + b"\xff" * 16 + header[32:], "unknown"),
        (header[:40] + b"x" + header[41:], "header"),
    ):
        path.write_bytes(bad)
        for read in (Stream, lambda p: Tail(p).poll()):
            with pytest.raises(RecordError, match=said):
                read(path)
    for harmless in (b"", header[:1], header[:63]):
        path.write_bytes(harmless)
        assert read_all(path) == ([], len(harmless))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_fuzzed_records_end_in_a_record_error_or_in_frames(sample, tmp_path_factory, data):
    """Bytes changed, cut out, put in and doubled at random, some with checksums made to fit."""
    raw = bytearray(sample[0])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        how = data.draw(st.sampled_from(("change", "cut", "insert", "double", "number")))
        if how == "change":
            raw[at : at + 4] = data.draw(st.binary(min_size=4, max_size=4))
        elif how == "cut":
            del raw[at : at + data.draw(st.integers(1, 64))]
        elif how == "insert":
            raw[at:at] = data.draw(st.binary(max_size=64))
        elif how == "double":
            raw[at:at] = raw[at : at + 200]
        elif at + 8 <= len(raw):
            struct.pack_into("<Q", raw, at, data.draw(st.sampled_from((0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1))))
    path = tmp_path_factory.mktemp("fuzz") / "main.rec"
    path.write_bytes(raw)
    try:
        events, _ = read_all(path)
    except RecordError:
        return
    assert len(events) <= 30


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.booleans(), st.booleans())
def test_random_bytes_after_a_good_header(tmp_path_factory, junk, values, fitting):
    folder = tmp_path_factory.mktemp("junk")
    codec = Codec(ALGORITHM)
    head = codec.header(MAGIC) if values else codec.header()
    if fitting and not values and len(junk) >= 32:
        count = len(junk) // 32
        junk = frame(codec, STEP, 0, count, 0, bytes(16), junk[: 32 * count])
    (folder / "main.rec").write_bytes(head + junk)
    try:
        if values:
            reader = ValueReader(folder / "main.rec")
            for key in reader.keys():  # noqa: SIM118 - a reader, not a dict
                reader.get(*key)
        else:
            read_all(folder / "main.rec")
    except RecordError:
        pass


def test_values_flipped_or_cut(tmp_path):
    path = tmp_path / "main.val"
    writer = ValueWriter(path)
    for i in range(3):
        writer.put(i, 0, "float32", (2,), struct.pack("2f", i, 1))
    writer.close()
    data = path.read_bytes()
    whole = [bytes(ValueReader(path).get(i, 0).raw) for i in range(3)]
    rng = random.Random(0)
    for at in range(len(data)):
        bad = bytearray(data)
        bad[at] ^= 1 << rng.randrange(8)
        path.write_bytes(bad)
        try:
            values = [ValueReader(path).get(i, 0) for i in range(3)]
        except RecordError:
            continue
        assert [bytes(v.raw) for v in values] == whole  # padding
    for cut in range(len(data)):
        path.write_bytes(data[:cut])
        reader = ValueReader(path)
        kept = [bytes(reader.get(*key).raw) for key in reader.keys()]  # noqa: SIM118
        assert kept == whole[: len(kept)]


def test_json_files_that_are_not_json(tmp_path):
    (tmp_path / "streams").mkdir()
    (tmp_path / "watch").mkdir()
    record = open_record(tmp_path)
    for content in (b"{", b"[" * 100_000, b"\xff", b'{"a": NaN'):
        (tmp_path / "exit.json").write_bytes(content)
        with pytest.raises(RecordError, match=r"exit\.json"):
            _ = record.exit
    (tmp_path / "watch" / "1.json").write_text('{"factors": [1], "notes": 5, "extra": null}')
    record = open_record(tmp_path)
    assert record.uses() == {}
    assert record.extras("modules") == []
    assert record.notes() == []


def test_header_layout_is_fixed():
    assert (HEADER.size, FRAME.size) == (64, 48)
