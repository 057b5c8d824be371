"""Real trainings, stopped and resumed in fresh processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.documents import checked

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).parent / "programs" / "train.py"


def resume(tmp_path: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Run the verb in a folder with the program; exit code, document, standard error."""
    shutil.copy(PROGRAM, tmp_path / "train.py")
    command = [sys.executable, "-m", "reprotest", "resume", "--quiet", "--json", "-", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    document = checked(done.stdout) if done.stdout else {}
    assert document or done.returncode == 2, done.stderr
    return done.returncode, document, done.stderr


def halves(second: str) -> list[str]:
    return ["--full", "train.py", "--first", "train.py --epochs 1", "--second", f"train.py --resume {second}"]


def test_a_script_that_saves_everything_resumes_exactly_and_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / "last.pt").write_bytes(b"the user's own checkpoint of a long training")
    code, document, _ = resume(tmp_path, *halves(""))
    assert (code, document["verdict"]) == (0, "identical"), document
    assert (document["steps"], document["resumed_at"], document["compared"]) == (8, 4, 4)
    assert document["first_difference"] is None
    assert all((tmp_path / record / "seal.json").exists() for record in document["records"])
    assert (tmp_path / "last.pt").read_bytes() == b"the user's own checkpoint of a long training"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".reprotest", "last.pt", "train.py"]


def test_everything_that_was_lost_at_once_is_named_and_proven(tmp_path: Path) -> None:
    code, document, _ = resume(tmp_path, *halves("--lose torch,numpy,optimizer,scheduler,buffers"))
    assert (code, document["verdict"]) == (1, "different"), document
    lost = {cause["detail"]: cause["proven"] for cause in document["causes"]}
    assert lost == dict.fromkeys(["torch.random", "numpy.random", "optimizer", "scheduler", "buffers"], True)
    assert {cause["factor"] for cause in document["causes"]} == {"checkpoint.state"}
    assert document["first_difference"]["step"] == 4


def test_a_command_that_fails_is_an_error_of_its_own(tmp_path: Path) -> None:
    code, document, _ = resume(tmp_path, "--full", "train.py", "--first", "train.py --epochs 1", "--second", "train.py --no-such-option")  # fmt: skip
    assert (code, document["verdict"]) == (3, "error")
    assert "second command exited with code 2" in document["error"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--full", "train.py", "--first", "train.py"], "--first and --second belong together"),
        (["--full", "train.py", "train.py"], "either --full CMD or COMMAND"),
        (["--full", "train.py 'half"], "cannot split --full"),
        ([], "no command to run"),
    ],
)
def test_wrong_usage_says_what_is_right(tmp_path: Path, arguments: list[str], said: str) -> None:
    code, _, problem = resume(tmp_path, *arguments)
    assert code == 2
    assert said in problem
