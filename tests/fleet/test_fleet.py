"""`fleet` on a real cluster: a scheduler and workers on loopback, of which one is other, one dies and one is slow."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

pytest.importorskip("distributed")

from tests.documents import checked

from reprotest import cli
from reprotest.compare.outcome import Outcome
from reprotest.errors import RecordError
from reprotest.fleet.bring import members
from reprotest.fleet.cluster import Target
from reprotest.fleet.crew import Answer, Status
from reprotest.run.catalog import entries
from reprotest.run.store import Store

TRAIN = """\
import os, pathlib, time
import reprotest
role = os.environ.get("ROLE", "")
if role == "dies":
    pathlib.Path("dying").write_text(str(os.getpid()))
    time.sleep(120)
if role == "slow":
    time.sleep(2)
if role == "late":
    time.sleep(120)
x = 0.1
for step in range(5):
    x *= 1.1 + 1e-9 * int(os.environ.get("OMP_NUM_THREADS", "2"))
    reprotest.observe("loss", x)
"""


@pytest.fixture
def project(project: Path) -> Path:
    (project / "train.py").write_text(TRAIN)
    return project


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.xdist_group("serial")
def test_one_is_other_one_dies_one_is_slow(cluster: Any, project: Path, until: Callable[..., None]) -> None:
    cluster.worker("a")
    cluster.worker("b", ROLE="slow")
    cluster.worker("c", OMP_NUM_THREADS="7")
    dying = cluster.worker("d", ROLE="dies")
    cluster.worker("e", ROLE="late")
    cluster.wait(5)
    arguments = [
        "fleet",
        "--dask",
        str(cluster.file),
        "--json",
        "fleet.json",
        "--junit",
        "fleet.xml",
        "--timeout",
        "40",
        "train.py",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "reprotest", *arguments], env=cluster.env, stdout=subprocess.PIPE, text=True
    ) as running:
        until((project / "dying").exists)
        until(lambda: (project / "dying").read_text().isdigit())
        child = int((project / "dying").read_text())
        dying.send_signal(signal.SIGKILL)
        said, _ = running.communicate(timeout=300)
    assert running.returncode == 1
    document = checked(project / "fleet.json")
    assert document["verdict"] == "different"
    hosts = {host["name"]: host for host in document["hosts"]}
    assert {name: host["status"] for name, host in hosts.items()} == {
        "a": "done", "b": "done", "c": "done", "d": "lost", "e": "failed",
    }  # fmt: skip
    assert "died" in hosts["d"]["why"]
    assert "longer than 40 s" in hosts["e"]["why"]
    assert [group["hosts"] for group in document["groups"]] == [["a", "b"], ["c"]]
    [first, *_] = document["groups"][1]["comparison"]["environment"]
    assert (first["factor"], first["known"]) == ("threads.count", "matters")
    assert "alone tells the groups apart" in first["evidence"] or "two records differ" in first["evidence"]
    assert document["groups"][1]["comparison"]["first_difference"]["name"] == "loss"
    cases = {
        case.get("name"): [child.tag for child in case] for case in ElementTree.parse("fleet.xml").iter("testcase")
    }
    assert cases == {"a": [], "b": [], "c": ["failure"], "d": ["error"], "e": ["error"]}
    assert "2 different results" in said
    assert "lost: d" in said
    until(lambda: not Path(f"/proc/{child}").exists(), 20)  # nothing is left on the host whose worker was killed
    store = entries(Store(project / ".reprotest"))
    assert {entry.name for entry in store} == {hosts[name]["record"] for name in "abc"}
    assert all(entry.sealed for entry in store)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.xdist_group("serial")
def test_a_local_cluster_for_a_try(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reprotest", "fleet", "--workers", "2", "train.py"],
        capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The same on all: 2 hosts agree bit for bit.")


def test_no_scheduler_there(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fleet", "--dask", "nowhere.json", "nothing.py"]) == 2
    assert "no script nothing.py" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "path", "said"),
    [
        ("../../evil", "x", "no name of a record"),
        ("run", "../x", "outside of its record"),
        ("run", "/x", "outside of its record"),
        ("run", "x", "came without a seal"),
    ],
)
def test_a_host_cannot_write_where_it_likes(tmp_path: Path, name: str, path: str, said: str) -> None:
    from reprotest.compare.outcome import to_json

    outcome = to_json(Outcome("a", "xxh3_128", 0, {}, {}))
    result = {"host": "h", "outcome": outcome, "platform": {}, "name": name, "files": {path: b""}, "seconds": 1.0}
    with pytest.raises(RecordError, match=said):
        members([Answer(Target("tcp://x", "x", "h"), Status.DONE, result)], Store.at(str(tmp_path)))
    assert [p.name for p in tmp_path.iterdir()] == [".reprotest"]
    assert list((tmp_path / ".reprotest" / "runs").iterdir()) == []
