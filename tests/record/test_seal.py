"""A sealed record shows every changed byte; an unsealed one can be read and says that it is unsealed."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprotest.errors import RecordError
from reprotest.record import open_record
from reprotest.record.event import Phase
from reprotest.record.seal import NAME, check_seal, read_seal, seal
from reprotest.record.writer import StreamWriter


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    for name in ("streams", "watch"):
        (folder / name).mkdir(parents=True)
    writer = StreamWriter(folder / "streams" / "main.rec")
    writer.event("w", Phase.UPDATE, bytes(16))
    writer.commit(0)
    writer.close()
    (folder / "exit.json").write_text('{"ended": "finished", "exit_code": 0}')
    (folder / "stdout.txt").write_bytes(bytes(range(256)) * 8192 + b"end")  # a little more than two leaves
    (folder / "stderr.txt").write_bytes(b"")
    return folder


def test_a_sealed_record_is_intact(run):
    assert not open_record(run).sealed
    assert open_record(run).verify() is False
    made = seal(run)
    record = open_record(run)
    assert record.sealed
    assert record.verify() is True
    assert record.seal == made
    assert set(made.files) == {"exit.json", "stdout.txt", "stderr.txt", "streams/main.rec"}


def test_the_tree_is_the_documented_one(run):
    made = seal(run)

    def sha(*parts):
        return hashlib.sha256(b"".join(parts)).digest()

    def tree(level):
        while len(level) > 1:
            level = [sha(b"\1", *level[i : i + 2]) if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
        return level[0]

    def root(data):
        return tree([sha(b"\0", data[at : at + (1 << 20)]) for at in range(0, max(1, len(data)), 1 << 20)])

    files = {name: (run / name).read_bytes() for name in made.files}
    leaves = [sha(b"\0", n.encode(), b"\0", len(d).to_bytes(8, "little"), root(d)) for n, d in sorted(files.items())]
    assert made.tree == tree(leaves).hex()


def test_every_changed_byte_is_found(run):
    seal(run)
    for name in ("exit.json", "streams/main.rec"):
        whole = (run / name).read_bytes()
        for at in range(len(whole)):
            (run / name).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(RecordError, match=name):
                check_seal(run)
        (run / name).write_bytes(whole)
    assert check_seal(run) is not None


@pytest.mark.parametrize("at", [0, (1 << 20) - 1, 1 << 20, -1])
def test_a_byte_in_any_leaf_of_a_long_file_is_found(run, at):
    seal(run)
    data = bytearray((run / "stdout.txt").read_bytes())
    data[at] ^= 0x80
    (run / "stdout.txt").write_bytes(data)
    with pytest.raises(RecordError, match=r"stdout\.txt was changed"):
        open_record(run).verify()


def test_files_that_come_or_go_are_found(run):
    seal(run)
    (run / "watch" / "1.json").write_text("{}")
    with pytest.raises(RecordError, match=r"watch/1\.json is no part"):
        check_seal(run)
    (run / "watch" / "1.json").unlink()
    (run / "stderr.txt").unlink()
    with pytest.raises(RecordError, match=r"stderr\.txt is gone"):
        check_seal(run)


def test_a_link_out_of_the_record_is_refused(run):
    (run / "watch" / "2.json").symlink_to("/etc/hostname")
    with pytest.raises(RecordError, match="no ordinary file"):
        seal(run)


def test_a_seal_that_was_made_to_fit_no_longer_gives_its_tree(run):
    seal(run)
    (run / "exit.json").write_text("{}")
    document = json.loads((run / NAME).read_text())
    (run / NAME).unlink()
    document["files"]["exit.json"] = list(seal(run).files["exit.json"])
    (run / NAME).write_text(json.dumps(document))
    with pytest.raises(RecordError, match="do not go together"):
        check_seal(run)


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["schema", "tree", "files", "x"]), inner),
).map(lambda value: json.dumps(value).encode()), st.just(b"[" * 100_000)))  # fmt: skip
def test_a_hostile_seal_is_an_error_message(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("hostile")
    (folder / NAME).write_bytes(data)
    with pytest.raises(RecordError, match=r"seal\.json"):
        read_seal(folder)
