"""Records go to another place and come back whole, or not at all."""

from __future__ import annotations

import pytest

fsspec = pytest.importorskip("fsspec")

from reprotest.errors import RecordError, StorageError, UsageError  # noqa: E402
from reprotest.record import open_record  # noqa: E402
from reprotest.record.seal import check_seal, seal  # noqa: E402
from reprotest.run.catalog import entries, find  # noqa: E402
from reprotest.run.store import Store  # noqa: E402
from reprotest.run.travel import Place  # noqa: E402


@pytest.fixture
def stores(tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    return Store.at(str(ours)), Store.at(str(theirs))


@pytest.fixture(params=["memory", "file", "folder", "s3"])
def url(request, tmp_path, monkeypatch):
    places = {
        "memory": f"memory://runs-{tmp_path.name}",
        "file": f"file://{tmp_path}/place",
        "folder": f"{tmp_path}/place",
    }
    if request.param in places:
        yield places[request.param]
        return
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    options = {"endpoint_url": f"http://{host}:{port}", "key": "id", "secret": "secret"}
    monkeypatch.setitem(fsspec.config.conf, "s3", options)
    fsspec.filesystem("s3").mkdir("bucket")
    yield "s3://bucket/runs"
    server.stop()


def recorded(store):
    path = store.new_run()
    (path / "plan.json").write_text("{}")
    (path / "stdout.txt").write_text("said")
    (path / "owner.json").unlink()
    seal(path)
    return find(store, path.name)


def test_there_and_back(stores, url):
    ours, theirs = stores
    entry = recorded(ours)
    place = Place(url)
    assert place.names() == []
    assert place.push(entry)
    assert not place.push(entry)
    assert place.names() == [entry.name]
    assert place.pull(entry.name, theirs)
    assert not place.pull(entry.name, theirs)
    [copy] = entries(theirs)
    assert check_seal(copy.path) == check_seal(entry.path)
    assert open_record(copy.path).verify()
    assert not (theirs.root / "new" / entry.name).exists()


def test_an_unsealed_record_does_not_travel(stores):
    path = stores[0].new_run()
    with pytest.raises(RecordError, match="only sealed records travel"):
        Place("memory://x").push(find(stores[0], path.name))


def test_what_was_changed_on_the_way_is_not_let_in(stores, tmp_path):
    entry = recorded(stores[0])
    place = Place(str(tmp_path / "place"))
    place.push(entry)
    (tmp_path / "place" / entry.name / "stdout.txt").write_text("Said")
    with pytest.raises(RecordError, match=r"stdout\.txt was changed"):
        place.pull(entry.name, stores[1])
    assert entries(stores[1]) == []


def test_what_did_not_arrive_whole_is_not_there(stores, tmp_path):
    entry = recorded(stores[0])
    place = Place(str(tmp_path / "place"))
    place.push(entry)
    (tmp_path / "place" / entry.name / "seal.json").unlink()
    assert place.names() == []


def test_places_that_cannot_be_used(stores, tmp_path):
    with pytest.raises(UsageError, match="nosuch://x"):
        Place("nosuch://x")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be used"):
        Place(str(tmp_path / "file" / "below")).push(recorded(stores[0]))
