"""`set_seed(relaunch=True)`: the same command once more with a fixed seed of hash(), or a reason why not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Python = Callable[..., "subprocess.CompletedProcess[str]"]

PROGRAM = """
import os, sys
print("start", os.environ.get("PYTHONHASHSEED"))
import reprotest
report = reprotest.set_seed(42, relaunch=True)
print(os.getpid() == int(os.environ.get("REPROTEST_RELAUNCHED", 0)), sys.argv[1:], hash("a"))
print([said.what for said in report.not_pinned if said.factor == "python.hash"])
"""


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    assert sum(line.startswith("start ") for line in done.stdout.splitlines()) == 1, "it was started anew"
    return done.stdout.splitlines()[-1]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    for name in ("train.py", "package/__main__.py", "package/train.py"):
        (tmp_path / name).write_text(PROGRAM)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["train.py", "--lr", "0.1 2"],
        ["-W", "ignore", "-X", "utf8", "train.py", "-c", "--lr", "0.1 2"],
        ["-m", "package.train", "--lr"],
        ["-m", "package"],
        ["-u", "-c", PROGRAM, "--lr"],
    ],
    ids=["script", "options", "module", "package", "code"],
)
def test_it_is_started_anew_once_with_the_same_words(python: Python, program: Path, words: list[str]) -> None:
    first, second = python(words), python(words)
    assert first.returncode == 0, first.stderr
    lines = first.stdout.splitlines()
    assert lines[:2] == ["start None", "start 42"]
    own = words[words.index("train.py") + 1 :] if "train.py" in words else [w for w in words[2:] if w == "--lr"]
    assert lines[2].startswith(f"True {own} ")
    assert lines[3] == "[]"
    assert second.stdout == first.stdout, "hash() repeats"


def test_with_a_hash_seed_of_the_users_there_is_no_need(python: Python, program: Path) -> None:
    done = python(["train.py"], env={"PYTHONHASHSEED": "7"})
    assert done.stdout.count("start 7") == 1
    assert "False [] " in done.stdout


def test_children_of_the_new_process_are_not_taken_for_it(python: Python, program: Path) -> None:
    child = "import subprocess, sys; print(subprocess.run([sys.executable, 'train.py'], capture_output=True, text=True).stdout)"
    (program / "parent.py").write_text(f"import reprotest; reprotest.set_seed(1, relaunch=True)\n{child}")
    assert "start 1\nFalse [] " in python(["parent.py"]).stdout


@pytest.mark.parametrize(
    ("words", "env", "stdin", "why"),
    [
        (["-E", "train.py"], {}, None, "-E or -I"),
        (["-i", "train.py"], {}, "", "a notebook or an interactive session"),
        (["-"], {}, PROGRAM, "does not come from a file"),
        (["train.py"], {"PYTEST_CURRENT_TEST": "x"}, None, "a test is running"),
    ],
    ids=["no environment", "interactive", "standard input", "pytest"],
)
def test_where_it_is_not_safe_it_says_why(
    python: Python, program: Path, words: list[str], env: dict[str, str], stdin: str | None, why: str
) -> None:
    if "-E" in words:  # PYTHONPATH is ignored then, too
        (program / "train.py").write_text(f"import sys; sys.path[:0] = {sys.path!r}\n{PROGRAM}")
    said = refusal(python(words, env=env, stdin=stdin))
    assert "Python was not started anew" in said
    assert why in said


@pytest.mark.parametrize(
    ("before", "why"),
    [
        (
            "import threading, time; threading.Thread(target=time.sleep, args=(2,), daemon=True).start()",
            "other threads",
        ),
        ("import os; os.chdir('package')", "the working directory was changed"),
    ],
)
def test_what_a_new_start_would_break_is_noticed(python: Python, program: Path, before: str, why: str) -> None:
    (program / "train.py").write_text(f"{before}\n{PROGRAM}")
    assert why in refusal(python(["train.py"]))


def test_a_module_whose_folder_was_left_is_noticed(python: Python, program: Path) -> None:
    (program / "package" / "train.py").write_text(f"import os; os.chdir('/')\n{PROGRAM}")
    assert "the working directory was changed" in refusal(python(["-m", "package.train"]))


def test_worker_processes_are_left_alone(python: Python, program: Path) -> None:
    (program / "workers.py").write_text(
        "import multiprocessing, reprotest\n"
        "def work(_):\n"
        "    return str(reprotest.set_seed(3, relaunch=True))\n"
        "if __name__ == '__main__':\n"
        "    print(multiprocessing.get_context('spawn').Pool(1).map(work, [0])[0])\n"
    )
    done = python(["workers.py"])
    assert "this is a worker process" in done.stdout, done.stderr


def test_a_notebook_is_told_what_to_do(python: Python, program: Path) -> None:
    pytest.importorskip("IPython")
    source = f"from IPython.testing.globalipapp import get_ipython; get_ipython()\n{PROGRAM}"
    (program / "train.py").write_text(source)
    said = refusal(python(["train.py"]))
    assert "a notebook" in said
    assert "before the start of its kernel" in said
