"""Programs that misbehave: a clear message, the documented exit code, no child left, nothing lost that was recorded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from reprotest.record import open_record
from reprotest.run.processes import marked

pytestmark = pytest.mark.slow


class Project:
    """A folder with a script, in which the command line is tried."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mark = f"REPROTEST_TEST={uuid.uuid4().hex}"
        self.env = {**os.environ, "REPROTEST_TEST": self.mark.partition("=")[2]}

    def script(self, source: str, name: str = "train.py") -> str:
        (self.root / name).write_text(textwrap.dedent(source))
        return name

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "reprotest", "run", *arguments],
            cwd=self.root,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            timeout=120,
        )

    def report(self, *arguments: str, **env: str) -> tuple[int, dict[str, Any]]:
        done = self.run("--quiet", "--json", "result.json", *arguments, **env)
        return done.returncode, json.loads((self.root / "result.json").read_text())

    def left_behind(self) -> list[int]:
        return marked(self.mark.encode())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


OBSERVED = "import reprotest\nreprotest.observe('loss', 0.5)\n"


def test_a_missing_script_is_wrong_usage(project: Project) -> None:
    done = project.run("missing.py")
    assert done.returncode == 2
    assert "missing.py" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_syntax_error_is_shown_and_is_the_commands_failure(project: Project) -> None:
    project.script("x = (\n")
    done = project.run("train.py")
    assert done.returncode == 3
    assert "SyntaxError" in done.stdout + done.stderr


def test_the_commands_own_exit_code_is_reported(project: Project) -> None:
    project.script("import sys\nsys.exit(7)\n")
    code, report = project.report("train.py")
    assert code == 3
    assert report["verdict"] == "error"
    assert "code 7" in report["error"]
    assert report["exit_codes"][0] == 7


def test_a_run_that_only_sometimes_dies_is_a_difference(project: Project) -> None:
    project.script(
        """
        import os, reprotest
        reprotest.observe("loss", 0.5)
        if not os.path.exists("ran"):
            open("ran", "w").close()
        else:
            raise RuntimeError("second time")
        """
    )
    code, report = project.report("--no-diagnose", "train.py")
    assert code == 1
    assert report["first_difference"]["kind"] in ("died", "exit")
    assert report["exit_codes"] == [0, 1]


def test_a_hundred_megabytes_of_output_are_kept_and_compared(project: Project) -> None:
    project.script(
        """
        line = "x" * 99 + "\\n"
        import sys
        for _ in range(1000):
            sys.stdout.write(line * 1000)
        """
    )
    code, report = project.report("--keep", "train.py")
    assert (code, report["verdict"]) == (0, "identical")
    assert (project.root / report["records"][0] / "stdout.txt").stat().st_size == 100_000_000


def test_a_program_that_hangs_is_ended_after_the_timeout(project: Project) -> None:
    project.script(
        "import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\ntime.sleep(60)\n"
    )
    code, report = project.report("--timeout", "2", "train.py")
    assert code == 3
    assert "2 s" in report["error"]
    assert "--timeout" in report["error"]
    assert project.left_behind() == []


def test_forked_and_daemonised_children_do_not_stay(project: Project) -> None:
    project.script(
        OBSERVED
        + textwrap.dedent(
            """
            import os, time
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    time.sleep(60)
                os._exit(0)
            os.wait()
            """
        )
    )
    code, report = project.report("train.py")
    assert (code, report["verdict"]) == (0, "identical")
    assert project.left_behind() == []


def test_what_was_observed_before_os_exit_is_kept(project: Project) -> None:
    project.script(OBSERVED + "import os\nos._exit(0)\n")
    code, report = project.report("train.py")
    assert (code, report["verdict"]) == (0, "identical")
    assert report["observed"] == {"output": 1} or sum(report["observed"].values()) == 1


def test_what_was_observed_before_a_crash_is_kept(project: Project) -> None:
    project.script(OBSERVED + "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    code, report = project.report("--keep", "train.py")
    assert code == 3
    assert "SIGSEGV" in report["error"]
    record = open_record(project.root / report["records"][0])
    assert sum(record.phases.values()) == 1


def test_a_changed_directory_does_not_matter(project: Project) -> None:
    elsewhere = project.root / "elsewhere"
    elsewhere.mkdir()
    project.script(f"import os\nos.chdir({str(elsewhere)!r})\n" + OBSERVED)
    code, report = project.report("train.py")
    assert (code, report["verdict"]) == (0, "identical")
    assert list(elsewhere.iterdir()) == []


def test_deleted_temporary_files_do_not_matter(project: Project) -> None:
    project.script(
        """
        import os, shutil, tempfile, reprotest
        folder = tempfile.mkdtemp()
        with open(os.path.join(folder, "scratch"), "w") as file:
            file.write("x")
        shutil.rmtree(folder)
        reprotest.observe("loss", 0.5)
        """
    )
    code, report = project.report("train.py")
    assert (code, report["verdict"]) == (0, "identical")


def test_running_out_of_memory_is_said(project: Project) -> None:
    project.script(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        x = bytearray(4 << 30)
        """
    )
    code, report = project.report("train.py")
    assert code == 3
    assert "MemoryError" in report["error"]


def test_a_kill_as_by_the_kernel_is_said(project: Project) -> None:
    project.script("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    code, report = project.report("train.py")
    assert code == 3
    assert "SIGKILL" in report["error"]
    assert "memory" in report["error"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
@pytest.mark.parametrize("options", ["ro,size=1m", "size=256k"])
def test_a_folder_that_cannot_be_written_is_said(project: Project, options: str) -> None:
    project.script("import reprotest\nfor i in range(200_000):\n    reprotest.observe('loss', float(i))\n")
    folder = project.root / "small"
    folder.mkdir()
    inner = (
        f"mount -t tmpfs -o size=1m none {folder} && cp {project.root}/train.py {folder}/ "
        f"&& mount -o remount,{options} {folder} && cd {folder} && {sys.executable} -m reprotest run --quiet train.py"
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", inner], env=project.env, capture_output=True, text=True, timeout=120
    )
    if "unshare failed" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no mount here: {done.stderr.strip()}")
    assert done.returncode == 2, done.stderr
    assert str(folder) in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupt_ends_everything_and_keeps_the_record(project: Project) -> None:
    project.script(OBSERVED + "import time\nopen('started', 'w').close()\ntime.sleep(60)\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "reprotest", "run", "train.py"],
        cwd=project.root,
        env=project.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not (project.root / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert project.left_behind() == []
    runs = sorted((project.root / ".reprotest" / "runs").iterdir())
    assert sum(open_record(runs[0]).phases.values()) == 1
