"""`vary --dask`: the answers of one machine, given by several that are alike; others, lost ones and crowded ones are left out."""

from __future__ import annotations

import json
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

SENSITIVE = """\
import os, time
import reprotest
x = 0.1
for step in range(3):
    x *= 1.1 + 1e-9 * int(os.environ.get("OMP_NUM_THREADS", "2"))
    reprotest.observe("loss", x)
reprotest.observe("hour", time.localtime(0).tm_hour)
"""
FACTORS = "--vary=+threads.count,+timezone,+locale,+cwd,+environment,+python.hash"


def parts(document: dict[str, Any]) -> dict[str, str]:
    return {worker["name"]: worker["status"] for worker in document["hosts"]}


def test_the_answers_are_those_of_one_machine_and_others_take_no_part(cluster: Any, project: Path, until: Callable[..., None], traces: Callable[[], set[str]]) -> None:  # fmt: skip
    (project / "train.py").write_text(SENSITIVE)
    cluster.worker("a")
    cluster.worker("b")
    cluster.worker("c", OMP_NUM_THREADS="7")
    dying = cluster.worker("d", ROLE="dies")
    cluster.wait(4)
    alone = subprocess.run(
        [sys.executable, "-m", "reprotest", "vary", "--json", "alone.json", FACTORS, "train.py"],
        env=cluster.env, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert alone.returncode == 1, alone.stderr
    marks = project.parent / "marks"
    with (project / "train.py").open("a") as file:
        file.write(
            f"if os.environ.get('ROLE') and reprotest: os.makedirs({str(marks)!r}, exist_ok=True); time.sleep(60)\n"
        )
    running = cluster.start("vary", "--json", "result.json", "--html", "page.html", FACTORS, "train.py")
    until(marks.is_dir)
    dying.send_signal(signal.SIGKILL)
    said, errors = running.communicate(timeout=300)
    assert running.returncode == 1, errors
    document = checked(project / "result.json")
    assert parts(document) == {"a": "used", "b": "used", "c": "other", "d": "lost"}
    by_name = {worker["name"]: worker for worker in document["hosts"]}
    assert "threads.count 7" in by_name["c"]["why"]
    assert by_name["a"]["runs"] + by_name["b"]["runs"] >= len(document["trials"])
    assert by_name["b"]["runs"] > 1
    expected = json.loads((project / "alone.json").read_text())
    for key in ("verdict", "sensitive_to", "insensitive_to", "skipped", "untried", "steps", "observed"):
        assert document[key] == expected[key], key
    assert [trial["what"] for trial in document["trials"]] == [trial["what"] for trial in expected["trials"]]
    assert "Where the variations were run" in said
    assert "Where the variations were run" in (project / "page.html").read_text()
    [record] = document["records"]
    assert (project / record / "seal.json").exists()
    kept = {path.name for path in (project / ".reprotest" / "runs").iterdir()}
    assert kept == {Path(record).name, Path(expected["records"][0]).name}
    until(lambda: traces() == set(), 30)


def test_files_are_put_back_and_workers_that_would_meet_in_them_stay_idle(cluster: Any, project: Path) -> None:
    (project / "train.py").write_text(
        textwrap.dedent(
            """
            import os
            import reprotest
            warm = os.path.exists("cache.txt")
            open("cache.txt", "w").write("warm")
            reprotest.observe("warm", warm)
            """
        )
    )
    cluster.worker("a")
    cluster.worker("b")
    cluster.wait(2)
    code, document, _ = cluster.do("vary", "--vary=+external.state,+timezone", "train.py")
    assert (code, document["verdict"]) == (1, "sensitive")
    assert {item["factor"] for item in document["sensitive_to"]} == {"external.state"}
    assert parts(document) == {"a": "used", "b": "idle"}
    assert not (project / "cache.txt").exists()


def test_an_interrupted_search_goes_on_where_it_stopped(cluster: Any, project: Path, until: Callable[..., None], traces: Callable[[], set[str]]) -> None:  # fmt: skip
    (project / "train.py").write_text(f"{SENSITIVE}time.sleep(0.7)\n")
    cluster.worker("a")
    cluster.worker("b")
    cluster.wait(2)
    running = cluster.start("vary", "--json", "result.json", FACTORS, "train.py")
    partial = project / ".reprotest" / "vary"
    until(lambda: any(len(json.loads(path.read_text())["outcomes"]) > 1 for path in partial.glob("*.json")))
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=100)
    assert running.returncode == 130, errors
    document = checked(project / "result.json")
    assert (document["interrupted"], document["complete"]) == (True, False)
    assert document["trials"]
    until(lambda: traces() == set(), 30)
    code, document, _ = cluster.do("vary", FACTORS, "train.py")
    assert (code, document["complete"]) == (1, True)
    assert document["resumed"] > 0
    assert {item["factor"] for item in document["sensitive_to"]} == {"threads.count", "timezone"}


def test_the_budget_and_a_command_that_fails(cluster: Any, project: Path) -> None:
    (project / "train.py").write_text(f"{SENSITIVE}time.sleep(0.7)\n")
    cluster.worker("a")
    cluster.wait(1)
    code, document, _ = cluster.do("vary", "--budget", "0.06", FACTORS, "train.py")
    assert (code, document["complete"]) in ((0, False), (1, False))
    assert any("budget of 0.06 min" in item["why"] for item in [*document["skipped"], *document["untried"]])
    (project / "train.py").write_text("raise SystemExit('no data here')\n")
    code, document, _ = cluster.do("vary", "train.py")
    assert (code, document["verdict"]) == (3, "error")
    assert "no data here" in document["error"]
    (project / "train.py").write_text("import reprotest\nreprotest.observe('x', open('/proc/uptime').read())\n")
    code, document, _ = cluster.do("vary", "--vary=+timezone", "train.py")
    assert (code, document["verdict"]) == (1, "unstable")


def test_when_the_last_worker_is_lost_what_was_found_stands(cluster: Any, project: Path, until: Callable[..., None], traces: Callable[[], set[str]]) -> None:  # fmt: skip
    (project / "train.py").write_text(f"{SENSITIVE}open('mine.txt', 'a').write('x')\ntime.sleep(0.7)\n")
    (project / "mine.txt").write_text("before")
    only = cluster.worker("a")
    cluster.wait(1)
    running = cluster.start("vary", "--json", "result.json", FACTORS, "train.py")
    partial = project / ".reprotest" / "vary"
    until(lambda: any(len(json.loads(path.read_text())["outcomes"]) > 1 for path in partial.glob("*.json")))
    only.kill()
    said, errors = running.communicate(timeout=100)
    assert running.returncode in (0, 1), errors
    document = checked(project / "result.json")
    assert document["complete"] is False
    assert len(document["trials"]) > 1
    assert parts(document) == {"a": "lost"}
    assert "no worker is left" in said
    assert "the same call goes on from here" in said
    until(lambda: traces() == set(), 30)
    assert (project / "mine.txt").read_text() == "before"
