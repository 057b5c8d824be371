"""The environment as a program under test sees it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from tests.documents import checked


def repeated(folder: Path, source: str, *, path: str | None = None) -> dict[str, Any]:
    """Run a source twice, in an environment with this PYTHONPATH or none."""
    (folder / "train.py").write_text(textwrap.dedent(source))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path is not None:
        environment["PYTHONPATH"] = path
    done = subprocess.run(
        [sys.executable, "-m", "reprotest", "run", "--json", "-", "train.py"],
        cwd=folder,
        env={**environment, "REPROTEST_NOISE": "ours"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return checked(done.stdout)


def test_a_digest_of_the_environment_repeats(tmp_path: Path) -> None:
    """What a run adds is not listed, and is found by its name."""
    report = repeated(
        tmp_path,
        """
        import hashlib, os
        import reprotest
        assert not [name for name in os.environ if name.startswith("REPROTEST_") and name != "REPROTEST_NOISE"]
        assert len(os.environ) == len(os.environb) == len(dict(os.environ)) == len(list(os.environ.items()))
        assert os.environ["REPROTEST_PLAN"] and "REPROTEST_PLAN" not in repr(os.environ)
        os.environ["OF_THE_PROGRAM"] = "1"
        assert "OF_THE_PROGRAM" in list(os.environ) and "OF_THE_PROGRAM" in repr(os.environ)
        reprotest.observe("digest", hashlib.sha256(repr(sorted(os.environ.items())).encode()).hexdigest())
        """,
    )
    assert report["verdict"] == "identical"


@pytest.mark.parametrize(
    "start",
    [
        "subprocess.run(command, env=os.environ.copy(), check=True)",
        "subprocess.run(command, env={**os.environ, 'MORE': '1'}, check=True, close_fds=False)",
        "subprocess.run(command, env={**os.environ, 'PYTHONPATH': 'elsewhere'}, check=True)",
        "os.waitpid(os.posix_spawn(command[0], command, os.environ), 0)",
        "os.spawnve(os.P_WAIT, command[0], command, dict(os.environ))",
        "os.execve(command[0], command, os.environ)",
    ],
)
@pytest.mark.parametrize("path", [None, "elsewhere"])
def test_a_process_started_with_a_copy_is_observed(tmp_path: Path, start: str, path: str | None) -> None:
    (tmp_path / "worker.py").write_text("import random, reprotest; reprotest.observe('draw', random.random())\n")
    report = repeated(
        tmp_path,
        f"""
        import os, subprocess, sys
        command = [sys.executable, "worker.py"]
        {start}
        """,
        path=path,
    )
    assert report["verdict"] == "different"
    assert [(cause["factor"], cause["proven"]) for cause in report["causes"]] == [("python.random", True)]


def test_a_process_started_with_an_environment_of_its_own_is_left_alone(tmp_path: Path) -> None:
    report = repeated(
        tmp_path,
        """
        import os, subprocess, sys
        import reprotest
        told = subprocess.run(
            [sys.executable, "-c", "import os; print(sorted(os.environ))"],
            env={"LC_ALL": "C.UTF-8"}, check=True, capture_output=True, text=True,
        ).stdout
        reprotest.observe("plain", float(told.strip() == "['LC_ALL']"))
        assert told.strip() == "['LC_ALL']", told
        """,
    )
    assert report["verdict"] == "identical"
