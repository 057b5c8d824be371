"""Sites and the client's end of them, with workers that are threads of this process."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed")

import distributed

from reprotest.compare import first_difference
from reprotest.fleet import site, sites
from reprotest.fleet.cluster import Target, targets
from reprotest.fleet.crew import Crew, Status
from reprotest.fleet.sites import Lost, Sites
from reprotest.options import ProgressEvent, RunStarted, StageStarted
from reprotest.run.store import Store

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("serial"), pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as local,
        distributed.Client(local) as made,
    ):
        yield made


@pytest.fixture
def told() -> list[ProgressEvent]:
    return []


@pytest.fixture
def opened(client: Any, project: Path, told: list[ProgressEvent]) -> Iterator[Sites]:
    (project / "train.py").write_text("import reprotest\nfor i in range(200): reprotest.observe('x', i)\n")
    options = {"runs": 2, "steps": None, "timeout": None, "seed": 0}
    made = Sites(client, "run", ["train.py"], str(project), options, Store.at(str(project)), told.append)
    assert made.begin(targets(client)) == []
    yield made
    made.close()


def folders() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("reprotest-fleet-*")}


def test_a_record_that_is_too_large_for_one_message_comes_in_parts(opened: Sites, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    a, b = opened.open
    whole = opened.do(a, "run", 0)
    assert whole["files"]
    monkeypatch.setattr(site, "INLINE", 1000)
    parted = opened.do(b, "run", 0)
    assert parted["files"] is None
    assert max(parted["sizes"].values()) > 3000
    ours, theirs = opened.bring(a, whole), opened.bring(b, parted)
    assert ours.record.verify()
    assert theirs.record.verify()
    assert first_difference(ours.record, theirs.record) is None
    with pytest.raises(Lost, match="No such file"):
        opened._call(b, "part", parted["name"], "plan.json", 0)  # it is not kept there any more
    assert theirs.seconds > 0


def test_what_a_site_tells_is_told_on(opened: Sites, told: list[ProgressEvent], until: Callable[..., None]) -> None:
    first = opened.bring(opened.open[0], opened.do(opened.open[0], "run", 0))
    other = opened.bring(opened.open[0], opened.do(opened.open[0], "run", 1))
    document = opened.do(opened.open[0], "diagnose", first.replica.run_dir.name, other.replica.run_dir.name)
    assert document["verdict"] == "identical"
    told.clear()
    (Path(first.replica.run_dir).parents[2] / "train.py").write_text("import os, reprotest\nreprotest.observe('x', os.urandom(4).hex())\n")  # fmt: skip
    a, b = (opened.bring(opened.open[1], opened.do(opened.open[1], "run", n)) for n in (0, 1))
    document = opened.do(opened.open[1], "diagnose", a.replica.run_dir.name, b.replica.run_dir.name)
    assert [cause["factor"] for cause in document["causes"]] == ["os.entropy"]
    kinds = {"ExperimentStarted", "ExperimentEnded", "StageStarted"}
    until(lambda: opened._listen() or {type(event).__name__ for event in told} >= kinds, 10)  # type: ignore[func-returns-value]
    assert not any(isinstance(event, RunStarted) for event in told)
    assert any(isinstance(event, StageStarted) and event.stage == "experiment" for event in told)


def test_a_site_closes_itself_once_its_client_has_let_go_of_it(opened: Sites, until: Callable[..., None]) -> None:
    assert len(folders()) == 2
    for future in opened.crew._kept:
        future.release()
    until(lambda: folders() == set(), 30)
    with pytest.raises(Lost, match="was closed"):
        opened.do(opened.open[0], "run", 0)


def test_what_cannot_take_part_says_why(client: Any, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(words: list[str], cwd: str, said: str) -> None:
        made = Sites(client, "run", words, cwd, {"runs": 2}, Store.at(str(project)), lambda event: None)
        answers = made.begin(targets(client))
        assert [answer.status for answer in answers] == [Status.FAILED, Status.FAILED]
        assert said in str(answers[0].why)
        assert made.open == []
        made.close()

    failing(["none.py"], str(project), "no script none.py")
    failing(["none.py"], str(project / "elsewhere"), "there is no folder")
    monkeypatch.setattr(sites, "version", lambda: "0.0.1")
    failing(["none.py"], str(project), "install the same version")
    assert folders() == set()


def test_a_worker_that_does_not_answer_in_time_is_late_and_one_that_is_not_there_is_lost(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("reprotest.fleet.crew.GRACE", 0.2)
    a, b = targets(client)
    crew = Crew(client, "t")
    crew.begin(a, _sleep, timeout=0.1)
    crew.begin(Target("tcp://127.0.0.1:9", "gone", "h"), _sleep)
    found = {}
    while crew.busy:
        found |= {answer.target.name: answer.status for answer in crew.wait()}
    assert found == {a.name: Status.LATE, "gone": Status.LOST}
    failed = crew.do(b, _sleep, "no number")
    assert failed.status is Status.FAILED
    assert "TypeError" in str(failed.why)


def _sleep(seconds: float = 2.0) -> dict[str, Any]:
    time.sleep(seconds)
    return {"pid": os.getpid()}
