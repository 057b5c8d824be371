"""A real scheduler and real workers on loopback, each a process of its own with an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.documents import checked


class Cluster:
    """A scheduler, whose address is in `file`, and the workers that are started."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "scheduler.json"
        self.env = {k: v for k, v in os.environ.items() if k not in ("OMP_NUM_THREADS", "ROLE")}
        self.processes = [self._start("dask_scheduler", "--port", "0", "--no-dashboard")]

    def _start(self, program: str, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{program}", "--scheduler-file", str(self.file), *arguments],
            env={**self.env, **env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def worker(self, name: str, **env: str) -> subprocess.Popen[bytes]:
        started = self._start("dask_worker", "--name", name, "--no-nanny", "--no-dashboard", "--nthreads", "1", **env)
        self.processes.append(started)
        return started

    def wait(self, workers: int) -> None:
        program = (
            "import sys; from distributed import Client; c = Client(scheduler_file=sys.argv[1], timeout=120);"
            "c.wait_for_workers(int(sys.argv[2]), timeout=120)"
        )
        subprocess.run([sys.executable, "-c", program, self.file, str(workers)], check=True, timeout=200)

    def start(self, verb: str, *arguments: str) -> subprocess.Popen[str]:
        """Begin a verb on this cluster."""
        command = [sys.executable, "-m", "reprotest", verb, "--dask", str(self.file), *arguments]
        return subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def do(self, verb: str, *arguments: str) -> tuple[int, dict[str, Any], str]:
        """Carry out a verb on this cluster: its exit code, its document and what it said."""
        running = self.start(verb, "--json", "result.json", *arguments)
        said, errors = running.communicate(timeout=400)
        assert running.returncode in (0, 1, 3), errors
        return running.returncode, checked(Path("result.json")), said

    def close(self) -> None:
        for process in reversed(self.processes):
            process.kill()
        for process in self.processes:
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    made.close()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def until() -> Callable[..., None]:
    """Wait for something to become true."""

    def wait(ready: Callable[[], bool], seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    return wait


@pytest.fixture
def traces() -> Callable[[], set[str]]:
    """What sessions on this machine's workers have made of folders and processes that are still there."""

    def found() -> set[str]:
        import tempfile

        folders = {path.name for path in Path(tempfile.gettempdir()).glob("reprotest-fleet-*")}
        for entry in os.scandir("/proc"):
            try:
                if entry.name.isdigit() and b"REPROTEST_FLEET=" in Path(entry.path, "environ").read_bytes():
                    folders.add(entry.name)
            except OSError:
                continue
        return folders

    return found
