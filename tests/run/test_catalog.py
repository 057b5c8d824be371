"""A store of a thousand runs: listing, finding by prefix, pruning."""

from __future__ import annotations

import json
import os
import time

import pytest

from reprotest.errors import RecordError, UsageError
from reprotest.record.seal import seal
from reprotest.run.catalog import entries, find, select, stale
from reprotest.run.processes import started
from reprotest.run.store import Store


@pytest.fixture
def store(tmp_path):
    return Store.at(str(tmp_path))


def add(store, name, *, sealed=True, owner=None, digest="aa"):
    path = store.root / "runs" / name
    path.mkdir()
    (path / "manifest.json").write_text(json.dumps({"command": ["train.py", "--name", "a b"]}))
    if owner is not None:
        (path / "owner.json").write_text(json.dumps(owner))
    if sealed:
        (path / "result.json").write_text(json.dumps({"steps": 7, "digest": digest}))
        seal(path)
    return path


def test_a_thousand_runs_are_listed_newest_first(store):
    for n in range(1000):
        add(store, f"20261126T{n:06d}.000000-{n:06x}")
    listed = entries(store)
    assert [entry.name[9:15] for entry in listed] == [f"{n:06d}" for n in reversed(range(1000))]
    assert listed[0].to_json() | {"path": ""} == {
        "name": "20261126T000999.000000-0003e7", "state": "sealed", "started": "2026-11-26 00:09:99",
        "command": "train.py --name 'a b'", "steps": 7, "digest": "aa", "path": "",
    }  # fmt: skip


def test_lookup_by_prefix(store):
    for name in ("20260101T000000.000000-abc123", "20260102T000000.000000-abd456"):
        add(store, name)
    assert find(store, "20260101").name.endswith("abc123")
    assert find(store, "abd").name.endswith("abd456")
    assert find(store, "latest").name.endswith("abd456")
    assert find(store, "latest~1").name.endswith("abc123")
    with pytest.raises(RecordError, match="beginning of 2 records"):
        find(store, "ab")
    for missing in ("zz", "latest~2", ""):
        with pytest.raises(RecordError, match="no record"):
            find(store, missing)
    assert [e.name[-6:] for e in select(store, ["ab"])] == ["abd456", "abc123"]
    with pytest.raises(RecordError, match="no record 'x'"):
        select(store, ["abc", "x"])


def test_what_is_cleared_away(store):
    now = time.mktime((2026, 3, 1, 0, 0, 0, 0, 0, 0))
    mine = {"pid": os.getpid(), "started": started(os.getpid())}
    for day in range(1, 6):
        add(store, f"2026020{day}T000000.000000-00000{day}")
    add(store, "20260206T000000.000000-000006", sealed=False, owner={"pid": 1, "started": "no"})
    add(store, "20260207T000000.000000-000007", sealed=False, owner=mine)
    add(store, "20260208T000000.000000-000008", sealed=False)

    def ends(**options):
        return [entry.name[-1] for entry in stale(store, now=now, **options)]

    assert ends() == ["8", "6"]  # 7 is being made
    assert ends(keep=2) == ["8", "6", "3", "2", "1"]
    assert ends(days=26.5) == ["2", "1"]
    assert ends(keep=4, days=0) == ["8", "6", "1"]
    assert ends(prefixes=["000003", "000007"]) == ["3"]
    with pytest.raises(UsageError, match="at least 0"):
        ends(keep=-1)


def test_a_damaged_record_does_not_stop_the_listing(store):
    path = add(store, "20260101T000000.000000-abc123")
    for name in ("manifest.json", "result.json", "owner.json"):
        (path / name).write_bytes(b"[" * 100_000)
    [entry] = entries(store)
    assert (entry.command, entry.steps, entry.digest, entry.running) == ("", None, None, False)
