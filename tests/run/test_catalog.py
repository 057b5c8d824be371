"""A store of a thousand runs: listing, finding by prefix, pruning."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime

import pytest
from tests.documents import checked

from reprotest import cli
from reprotest.errors import RecordError, UsageError
from reprotest.record.seal import seal
from reprotest.run import leftovers
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


def put(store, name, **document):
    path = store.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


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


def test_what_goes_with_a_record(store):
    old, new = (f"2026010{n}T000000.000000-abc12{n}" for n in (1, 2))
    add(store, old)
    add(store, new)
    made = [
        "reports/{old}.json",
        "reports/{old}.html",
        "reports/{old}-{new}.html",
        "reports/{new}.json",
        "reports/notes.json",
    ]
    for name in made:
        put(store, name.format(old=old, new=new))
    put(store, "cells/both/job.json", records=[old, new])
    put(store, "cells/one/job.json", records=[old])
    put(store, "cells/one/In[1].py")
    found = [str(path.relative_to(store.root)) for path in leftovers.belonging(store, {old})]
    assert found == [*sorted(f"reports/{old}{end}" for end in (".json", ".html", f"-{new}.html")), "cells/one"]
    assert leftovers.belonging(store, set()) == []


def test_what_killed_sessions_left(store):
    living, dead = {"pid": os.getpid(), "started": started(os.getpid())}, {"pid": 1, "started": "no"}
    add(store, "20260101T000000.000000-abc123")
    for name, owner in (("dead", dead), ("living", living)):
        put(store, f"new/{name}/owner.json", **owner)
        put(store, f"cells/{name}/owner.json", **owner)
        put(store, f"cells/{name}/job.json", cells=[])
    put(store, "new/pulled/seal.json")
    put(store, "trees/0123456789abcdef/train.py")
    put(store, "vary/of-this.json", reference=str(store.root / "runs" / "20260101T000000.000000-abc123"))
    put(store, "vary/of-none.json", reference=str(store.root / "runs" / "20250101T000000.000000-abc123"))
    put(store, "state/1-2/owner.json", **dead)  # files to be put back: for the next session to do

    def found(gone=frozenset(), now=None):
        paths = leftovers.abandoned(store, gone, time.time() if now is None else now)
        return sorted(str(path.relative_to(store.root)) for path in paths)

    assert found() == ["cells/dead", "new/dead", "vary/of-none.json"]
    assert found({"20260101T000000.000000-abc123"}) == [
        "cells/dead",
        "new/dead",
        "vary/of-none.json",
        "vary/of-this.json",
    ]
    later = ["cells/dead", "new/dead", "new/pulled", "trees/0123456789abcdef", "vary/of-none.json"]
    assert found(now=time.time() + 90_000) == later


def test_results_without_a_run_go_by_their_age(store):
    now = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
    for day in (10, 20):
        add(store, f"202602{day}T000000.000000-0000{day}")
        put(store, f"reports/202602{day}T000000.000000-0000{day}.json")
    for name in ("20260205T000000.000000", "20260215T000000.000000-abcdef", "20260225T000000.000000"):
        put(store, f"reports/{name}.json")

    def found(**options):
        return [path.name[6:8] for path in leftovers.outdated(store, now=now, **options)]

    assert found() == found(keep=3) == []
    assert found(keep=2) == ["05"]
    assert found(keep=1) == ["05", "15"]
    assert found(keep=0) == ["05", "15", "25"]
    assert found(days=10) == ["05", "15"]
    assert found(keep=0, days=20) == ["05"]


def test_prune_takes_what_belongs_to_a_run_along(store, monkeypatch, capsys):
    monkeypatch.chdir(store.root.parent)
    for name in ("20260101T000000.000000-abc123", "20260102T000000.000000-abd456"):
        add(store, name)
        put(store, f"reports/{name}.json")
        put(store, f"cells/{name[-6:]}/job.json", records=[name])
    assert cli.main(["prune", "abc", "--dry-run"]) == 0
    assert "1 records and 2 other files and folders would be removed" in capsys.readouterr().out
    assert len(entries(store)) == 2
    assert cli.main(["prune", "abc", "--json", "-", "--quiet"]) == 0
    document = checked(capsys.readouterr().out)
    assert document["beside"] == ["reports/20260101T000000.000000-abc123.json", "cells/abc123"]
    assert document["bytes"] > 0
    left = sorted(str(path.relative_to(store.root)) for path in store.root.rglob("*.json") if "runs" not in path.parts)
    assert left == ["cells/abd456/job.json", "reports/20260102T000000.000000-abd456.json"]
    assert [entry.name[-6:] for entry in entries(store)] == ["abd456"]
