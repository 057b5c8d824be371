"""The command line with the real session behind it, as a person would use it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.documents import checked


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    return tmp_path


def reprotest(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "reprotest", *arguments], capture_output=True, text=True, check=False, timeout=200
    )


UNSEEDED = """\
import numpy as np
import reprotest

x = np.arange(12.0).reshape(4, 3)
w = np.random.normal(size=3)
for step in range(5):
    w -= 0.1 * x.T @ (x @ w - 1) / 4
    reprotest.observe("w", w)
"""


def test_from_difference_to_cause_and_mended(folder: Path) -> None:
    (folder / "train.py").write_text(UNSEEDED)
    done = reprotest("run", "--json", "out.json", "train.py")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Not reproducible" in done.stdout
    assert "❱ 5 │ w = np.random.normal(size=3)" in done.stdout
    result = checked(folder / "out.json")
    assert [(cause["factor"], cause["proven"], cause["location"]) for cause in result["causes"]] == [
        ("numpy.random", True, "train.py:5")
    ]
    (folder / "train.py").write_text(UNSEEDED.replace("np.random.normal", "np.random.default_rng(1).normal"))
    done = reprotest("run", "train.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ Reproducible. 2 runs of train.py agree bit for bit." in done.stdout
    assert "0 of 1 pairs differed: at 95 % confidence fewer than 95 % would." in " ".join(done.stdout.split())


def test_a_command_that_fails_by_itself(folder: Path) -> None:
    (folder / "train.py").write_text("import sys\nsys.stderr.write('no data: token=geheim1234\\n')\nsys.exit(3)\n")
    done = reprotest("run", "train.py", "--token", "geheim1234")
    assert done.returncode == 3
    assert "train.py ended with exit code 3 by itself." in done.stdout
    assert "no data: token=***" in done.stdout
    assert "geheim1234" not in done.stdout + done.stderr


def test_nothing_secret_is_written(folder: Path) -> None:
    (folder / "train.py").write_text("import reprotest\nreprotest.observe('x', 1)\n")
    assert reprotest("run", "--keep", "--json", "out.json", "train.py", "--api-key", "geheim1234").returncode == 0
    written = [path for path in folder.rglob("*") if path.is_file() and b"geheim1234" in path.read_bytes()]
    assert written == []


def test_the_reference_experiment() -> None:
    done = reprotest("--json", "all.json")
    assert done.returncode == 0, done.stdout + done.stderr
    result = checked(Path("all.json"))["experiments"]["reference"]
    assert result["verdict"] == "identical"
    assert result["steps"] > 0 or result["observed"]["metric"] > 0


def test_a_reader_that_goes_away_does_not_change_the_verdict(folder: Path) -> None:
    (folder / "train.py").write_text("import reprotest\nreprotest.observe('x', 1)\n")
    with subprocess.Popen(
        [sys.executable, "-m", "reprotest", "run", "train.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == ""
        assert running.wait(60) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(number: signal.Signals, folder: Path) -> None:
    (folder / "train.py").write_text("import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)\n")
    running = subprocess.Popen(
        [sys.executable, "-m", "reprotest", "run", "train.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (folder / "pid").exists() or not (folder / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "! Interrupted." in out
    assert "Traceback" not in out + err
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), 0)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("0", "2 runs of train.py agree bit for bit"),
        ("os.getpid()", "2 runs of train.py differ"),
    ],
)
def test_what_was_finished_before_an_interrupt_is_compared(value: str, said: str, folder: Path) -> None:
    (folder / "train.py").write_text(
        "import os, time\nimport reprotest\n"
        f"reprotest.observe('x', {value})\n"
        "open('begun', 'a').write('.')\n"
        "time.sleep(600 if os.path.getsize('begun') == 3 else 0)\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-m", "reprotest", "run", "--runs", "5", "--json", "found.json", "train.py"],
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (folder / "begun").exists() or (folder / "begun").stat().st_size < 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Stopped by you after 2 finished runs" in " ".join(out.split())
    assert said in " ".join(out.split()), out
    assert checked(Path("found.json"))["interrupted"]
