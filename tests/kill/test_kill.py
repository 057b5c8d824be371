"""`run`, `lock` and `verify` are killed two hundred times at random moments: what is left can be read, and no process is."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reprotest.compare.outcome import outcome
from reprotest.lock import file
from reprotest.record import open_record
from reprotest.run.catalog import entries
from reprotest.run.processes import started
from reprotest.run.store import Store

KILLS = 200
TRAIN = """\
import subprocess, sys, time
import reprotest
helper = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
for step in range(12):
    reprotest.observe("loss", [step * 0.1] * 200)
    time.sleep(0.004)
open("out.txt", "w").write("done")
helper.kill()
helper.wait()
"""


class Zygote:
    def __init__(self) -> None:
        env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        program = str(Path(__file__).with_name("zygote.py"))
        self._process = subprocess.Popen(
            [sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        )

    def start(self, folder: Path, *arguments: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(folder), *arguments]) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate(timeout=30)


@pytest.fixture
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    yield made
    made.close()


def left(folder: Path) -> list[str]:
    """Command lines of processes that belong to runs in this folder."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if f"REPROTEST_PLAN={folder}/".encode() in Path(entry.path, "environ").read_bytes():
                    found.append(Path(entry.path, "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def ends(pid: int, born: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while started(pid) == born:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_is_left_half(tmp_path: Path, zygote: Zygote) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "train.py").write_text(TRAIN)
    verbs = {"run": ("run", "--quiet", "train.py"), "lock": ("lock", "train.py"), "verify": ("verify", "--quiet")}
    seconds: dict[str, float] = {}
    for verb, arguments in verbs.items():  # how long each takes, and a lock to begin with
        start = time.monotonic()
        pid = zygote.start(tmp_path, *arguments)
        assert ends(pid, started(pid), 60)
        seconds[verb] = time.monotonic() - start
    whole = (tmp_path / file.NAME).read_text()
    assert file.read(tmp_path / file.NAME)["train"].classes

    chance = random.Random(0)
    killed = 0
    for number in range(KILLS // 3 + 1):  # one of each at a time, in one folder
        # So that there is something to write.
        (tmp_path / "train.py").write_text(TRAIN.replace("0.1", f"0.{number + 2}"))
        moments = []
        for verb, arguments in verbs.items():
            pid = zygote.start(tmp_path, *arguments)
            moments.append((time.monotonic() + chance.random() * seconds[verb], pid, started(pid)))
        for moment, pid, born in sorted(moments):
            time.sleep(max(0.0, moment - time.monotonic()))
            if started(pid) == born:
                os.kill(pid, signal.SIGKILL)
                killed += 1
            file.read(tmp_path / file.NAME)  # never half written
    assert killed > KILLS / 2

    deadline = time.monotonic() + 10
    while left(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left(tmp_path) == []
    (tmp_path / "train.py").write_text(TRAIN)

    everything = entries(Store(tmp_path / ".reprotest"))
    assert len(everything) >= KILLS / 2
    assert {entry.state for entry in everything} == {"sealed", "unsealed"}
    for entry in everything:
        record = open_record(entry.path)
        for stream in record.streams.values():
            assert all(len(frame.events) == len(frame.template) for frame in stream.frames)
        assert record.verify() == entry.sealed
        assert record.notes() is not None
        assert record.exit is not None
        assert record.manifest is not None
        outcome(record)
        record.close()
    assert file.dumps(file.read(tmp_path / file.NAME)) == (tmp_path / file.NAME).read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".git", ".reprotest", "out.txt", file.NAME, "train.py"]

    # And all goes on from there.
    for verb in ("prune", "lock", "verify"):
        pid = zygote.start(tmp_path, *verbs.get(verb, (verb,)))
        assert ends(pid, started(pid), 60)
    assert file.dumps(file.read(tmp_path / file.NAME)).splitlines()[:8] == whole.splitlines()[:8]
    assert all(entry.sealed for entry in entries(Store(tmp_path / ".reprotest")))
