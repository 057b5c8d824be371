"""Nothing is left behind, and nothing found is lost, however `vary` ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SOURCE = """
import os, time
import reprotest
with open("state.txt", "a") as file:
    file.write("changed")
os.makedirs(os.path.expanduser("~/.vary-test"), exist_ok=True)
reprotest.observe("zone", time.localtime(0).tm_hour)
time.sleep(0.3)
"""
OPTIONS = ("--vary=-memory.address",)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "train.py").write_text(SOURCE)
    (tmp_path / "state.txt").write_text("as it was")
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def begin(project: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "reprotest", "vary", "--quiet", "--json", "report.json", *OPTIONS, *more, "train.py"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def outcomes(project: Path) -> int:
    """How many combinations an unfinished session has on disk."""
    try:
        (path,) = (project / ".reprotest" / "vary").glob("*.json")
        return len(json.loads(path.read_text())["outcomes"])
    except (ValueError, OSError):
        return 0


def wait_for(project: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while outcomes(project) < count:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def mine(project: Path) -> list[str]:
    """Command lines of the processes that run in this project."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").resolve() == project:
                found.append((entry / "cmdline").read_bytes().replace(b"\\0", b" ").decode())
        except OSError:
            continue
    return found


def unchanged(project: Path) -> bool:
    return (
        (project / "state.txt").read_text() == "as it was"
        and not (project / ".reprotest" / "scratch").exists()
        and not (project / ".reprotest" / "state").exists()
        and not mine(project)
    )


@pytest.mark.slow
def test_sigkill_leaves_no_process_and_no_changed_file_and_the_next_call_goes_on(project: Path) -> None:
    process = begin(project)
    wait_for(project, 2, process)
    process.kill()
    process.communicate()
    known = outcomes(project)
    deadline = time.monotonic() + 30
    while not unchanged(project):
        assert time.monotonic() < deadline, (list((project / ".reprotest").rglob("*"))[:20], mine(project))
        time.sleep(0.05)
    again = begin(project)
    said, _ = again.communicate(timeout=300)
    report = json.loads((project / "report.json").read_text())
    assert again.returncode == 1, said
    assert report["resumed"] >= known >= 2
    assert {item["factor"] for item in report["sensitive_to"]} == {"timezone"}
    assert outcomes(project) == 0
    assert unchanged(project)


@pytest.mark.slow
def test_ctrl_c_tells_what_was_found_and_the_next_call_goes_on(project: Path) -> None:
    process = begin(project)
    wait_for(project, 2, process)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "not finished: the same call goes on" in said
    report = json.loads((project / "report.json").read_text())
    assert (report["interrupted"], report["complete"]) == (True, False)
    assert unchanged(project)
    fresh = begin(project, "--fresh", "--budget", "0.0001")
    fresh.communicate(timeout=120)
    assert json.loads((project / "report.json").read_text())["resumed"] == 0


def test_a_budget_ends_the_search_in_time_and_says_so(project: Path) -> None:
    process = begin(project, "--budget", "0.0001")
    process.communicate(timeout=120)
    report = json.loads((project / "report.json").read_text())
    assert report["complete"] is False
    assert process.returncode == 0
    whys = {item["why"] for item in report["skipped"]}
    assert "the budget of 0.0001 min was used up" in whys


def test_what_was_known_is_dropped_when_the_program_has_changed(project: Path) -> None:
    process = begin(project, "--budget", "0.05")
    process.communicate(timeout=120)
    (project / "train.py").write_text(SOURCE.replace('"zone"', '"hour"'))
    again = begin(project, "--budget", "0.0001")
    again.communicate(timeout=120)
    assert json.loads((project / "report.json").read_text())["resumed"] == 0
    assert os.listdir(project / "home") in ([], [".vary-test"])
