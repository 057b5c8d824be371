"""`run --dask`: hosts that differ, chance on one host, workers that die or are late, files in which runs would meet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.documents import checked

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("serial")]

THREADS = """\
import os, reprotest
x = 0.1
for step in range(5):
    x *= 1.1 + 1e-9 * int(os.environ.get("OMP_NUM_THREADS", "2"))
    reprotest.observe("loss", x)
"""


def write(project: Path, source: str) -> None:
    (project / "train.py").write_text(textwrap.dedent(source).lstrip())


def hosts(document: dict[str, Any]) -> dict[str, str]:
    return {host["name"]: host["status"] for host in document["hosts"]}


def test_hosts_that_differ_and_the_factor_that_is_proven_to_be_the_cause(cluster: Any, project: Path, traces: Callable[[], set[str]]) -> None:  # fmt: skip
    cluster.worker("a", OMP_NUM_THREADS="2")
    cluster.worker("b", OMP_NUM_THREADS="7")
    cluster.wait(2)
    write(project, THREADS)
    code, document, said = cluster.do("run", "--html", "page.html", "train.py")
    assert (code, document["verdict"], document["runs"]) == (1, "different", 2)
    assert hosts(document) == {"a": "done", "b": "done"}
    [cause] = document["causes"]
    assert (cause["factor"], cause["proven"]) == ("threads.count", True)
    assert "with it alone as a's the result changes, and it is a's exactly" in cause["evidence"]
    rows = [(row["what"], row["outcome"]) for row in document["experiments"]]
    assert rows == [
        ("once more on a", "identical"),
        ("once more on b", "identical"),
        ("threads.count as a's, the rest as on b", "different"),
    ]
    assert document["environment"]["findings"][0]["factor"] == "threads.count"
    assert "Where the runs were made" in said
    assert "Where the runs were made" in (project / "page.html").read_text()
    kept = [path.name for path in (project / ".reprotest" / "runs").iterdir()]
    assert sorted(kept) == sorted(Path(record).name for record in document["records"])
    assert all((Path(record) / "seal.json").exists() for record in document["records"])
    assert traces() == set()


def test_another_version_of_a_package_is_told_by_elimination_or_by_the_path_that_it_comes_by(
    cluster: Any, project: Path
) -> None:
    write(project, "import toy, reprotest\nreprotest.observe('x', toy.value)\n")
    for n in (1, 2):
        folder = project.parent / f"site{n}"
        (folder / "toy").mkdir(parents=True)
        (folder / "toy" / "__init__.py").write_text(f"value = {n}.5\n")
        (folder / f"toy-{n}.0.dist-info").mkdir()
        (folder / f"toy-{n}.0.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.1\nName: toy\nVersion: {n}.0\n")
        path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
        cluster.worker(f"c{n}", PYTHONPATH=path)
    cluster.wait(2)
    code, document, _ = cluster.do("run", "train.py")
    assert (code, hosts(document)) == (1, {"c1": "done", "c2": "done"})
    cause = document["causes"][0]
    found = {finding["factor"]: finding["changes"] for finding in document["environment"]["findings"]}
    assert found["packages"] == [{"key": "toy", "a": "1.0", "b": "2.0"}]
    if cause["factor"] == "environment":  # PYTHONPATH was made like the other host's, and brought that host's result
        assert cause["proven"]
        assert "PYTHONPATH" in [change["key"] for change in found["environment"]]
    else:
        assert (cause["factor"], cause["proven"]) == ("packages", False)
        assert "each repeats its own result (c1 in 2 runs and c2 in 2 runs), so it is not chance" in cause["evidence"]


def test_chance_is_explained_by_one_host_alone_and_equal_results_say_what_was_varied(cluster: Any, project: Path) -> None:  # fmt: skip
    cluster.worker("a", OMP_NUM_THREADS="2")
    cluster.worker("b", OMP_NUM_THREADS="7")
    cluster.wait(2)
    write(
        project,
        """
        import random
        import reprotest
        for _ in range(3):
            reprotest.observe("noise", random.random())
        """,
    )
    code, document, _ = cluster.do("run", "train.py")
    assert (code, document["verdict"]) == (1, "different")
    [cause] = document["causes"]
    assert (cause["factor"], cause["proven"], cause["location"]) == ("python.random", True, "train.py:4")
    assert document["environment"] is None

    write(project, "import reprotest\nfor i in range(3): reprotest.observe('x', i)\n")
    code, document, said = cluster.do("run", "--runs", "3", "train.py")
    assert (code, document["verdict"], document["runs"]) == (0, "identical", 3)
    assert hosts(document).keys() == {"a", "b"}
    assert "threads.count" not in document["not_varied"]
    assert "packages" in document["not_varied"]
    assert "Reproducible" in said


def test_a_worker_that_dies_and_one_that_is_late_are_done_without(cluster: Any, project: Path, until: Callable[..., None]) -> None:  # fmt: skip
    cluster.worker("a")
    dying = cluster.worker("b", ROLE="dies")
    cluster.worker("c", ROLE="late")
    cluster.worker("d")
    cluster.wait(4)
    write(
        project,
        """
        import os, time
        import reprotest
        role = os.environ.get("ROLE")
        if role:
            os.makedirs(f"/tmp/reprotest-test-{os.environ['MARK']}/{role}/{os.getpid()}", exist_ok=True)
            time.sleep(120)
        reprotest.observe("x", 1.5)
        """,
    )
    folder = project.parent / "marks"
    (project / "train.py").write_text(
        (project / "train.py").read_text().replace("/tmp/reprotest-test-{os.environ['MARK']}", str(folder))
    )
    running = cluster.start("run", "--runs", "3", "--timeout", "20", "--json", "result.json", "train.py")
    until(lambda: (folder / "dies").is_dir() and any((folder / "dies").iterdir()))
    child = int(next((folder / "dies").iterdir()).name)
    dying.send_signal(signal.SIGKILL)
    _, errors = running.communicate(timeout=300)
    assert running.returncode == 0, errors
    document = checked(project / "result.json")
    by_status = {host["status"]: host for host in document["hosts"]}
    assert by_status["lost"]["name"] == "b"
    assert "died" in by_status["lost"]["why"]
    assert by_status["late"]["name"] == "c"
    assert "longer than 20 s" in by_status["late"]["why"]
    assert (document["verdict"], document["runs"]) == ("identical", 2)
    until(lambda: not Path(f"/proc/{child}").exists(), 20)


def test_runs_that_would_meet_in_a_file_are_made_one_after_the_other(cluster: Any, project: Path) -> None:
    for name in "abc":
        cluster.worker(name)
    cluster.wait(3)
    write(
        project,
        """
        import os, time
        import reprotest
        with open("state.txt", "w") as file:
            file.write(str(os.getpid()))
        time.sleep(1)
        reprotest.observe("mine", open("state.txt").read() == str(os.getpid()))
        """,
    )
    code, document, _ = cluster.do("run", "--runs", "4", "train.py")
    assert (code, document["verdict"], document["runs"]) == (0, "identical", 4)
    assert any("one after the other" in said and "state.txt" in said for said in document["unobserved"])


def test_an_interrupt_gives_what_was_found_and_leaves_nothing(cluster: Any, project: Path, until: Callable[..., None], traces: Callable[[], set[str]]) -> None:  # fmt: skip
    cluster.worker("a")
    cluster.worker("b")
    cluster.wait(2)
    write(
        project,
        """
        import pathlib, random, time
        import reprotest
        pathlib.Path("began").write_text("")
        reprotest.observe("noise", random.random())
        time.sleep(1)
        """,
    )
    running = cluster.start("run", "--json", "result.json", "train.py")
    until(lambda: len(list((project / ".reprotest" / "runs").glob("*"))) == 4)  # two, and once more on each
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=100)
    assert running.returncode == 130
    document = checked(project / "result.json")
    assert (document["verdict"], document["interrupted"], document["runs"]) == ("different", True, 2)
    until(lambda: traces() == set(), 30)

    # A client that is killed leaves nothing on the workers either.
    (project / "began").unlink()
    running = cluster.start("run", "train.py")
    until((project / "began").exists)
    running.kill()
    running.communicate()
    until(lambda: traces() == set(), 60)


def test_on_a_local_cluster(project: Path) -> None:
    write(project, "import reprotest\nreprotest.observe('x', 1)\n")
    done = subprocess.run(
        [sys.executable, "-m", "reprotest", "run", "--dask", "local", "train.py"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 runs of train.py agree bit for bit" in done.stdout
    assert done.stderr == ""


def test_where_no_run_comes_back(cluster: Any, project: Path) -> None:
    cluster.worker("a")
    cluster.wait(1)
    write(project, "raise SystemExit(7)\n")
    code, document, _ = cluster.do("run", "train.py")
    assert (code, document["verdict"], document["exit_codes"]) == (3, "error", [7, 7])
    write(project, "import time\ntime.sleep(60)\n")
    code, document, _ = cluster.do("run", "--timeout", "1", "train.py")
    assert (code, document["verdict"]) == (3, "error")
    assert "no run came back from the cluster" in document["error"]
    assert "longer than 1 s" in document["error"]
