"""`python -m reprotest init`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.documents import checked

from reprotest.cli import main

ROOT = Path(__file__).parents[2]
FILES = ROOT / "src" / "reprotest" / "init" / "files"
Init = Callable[..., tuple[int, str, str]]


@pytest.fixture
def init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Init:
    """`init` in an empty folder that is a project of its own: exit code, standard output, standard error."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, verb: str = "init") -> tuple[int, str, str]:
        code = main([verb, *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def present(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_an_empty_folder_becomes_a_project_that_passes_doctor_and_run(init: Init, tmp_path: Path) -> None:
    code, out, err = init()
    assert (code, err) == (0, "")
    assert "train.py: written\n" in out
    code, out, _ = init(verb="doctor")
    assert code == 0, out
    assert init("--check", verb="export")[0] == 0

    command = [sys.executable, "-m", "reprotest", "--json", "result.json"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    result = checked(tmp_path / "result.json")["experiments"]["train"]
    assert result["verdict"] == "identical"
    assert result["observed"]["backward"] > 0
    assert result["observed"]["metric"] == 4
    [record] = result["records"][:1]
    printed = (tmp_path / record / "stdout.txt").read_text()
    stated = re.search(r"loss ([\d.]+) in the last epoch", (tmp_path / "README.md").read_text())
    assert stated is not None
    assert abs(float(printed.split()[-1]) - float(stated[1])) < 2e-3, "what the README promises"


def test_a_dry_run_writes_nothing(init: Init, tmp_path: Path) -> None:
    code, out, _ = init("--dry-run", "new")
    assert code == 0
    assert "train.py: would be written\n" in out
    assert present(tmp_path) == {}
    assert not (tmp_path / "new").exists()
    assert init("new")[0] == 0
    planned = {line.partition(":")[0] for line in out.splitlines()}
    assert set(present(tmp_path / "new")) == planned


def test_a_second_time_changes_nothing(init: Init, tmp_path: Path) -> None:
    init()
    before = present(tmp_path)
    code, out, _ = init("--force")
    assert code == 0
    assert set(re.findall(r"^\S+: (.*)$", out, re.MULTILINE)) == {
        "as it should be",
        "python -m reprotest doctor, then python -m reprotest",
    }
    assert present(tmp_path) == before


def test_what_is_there_is_not_overwritten(init: Init, tmp_path: Path) -> None:
    own = {
        "train.py": "print(1)\n",
        ".gitignore": "mine/\n.env\n",
        "requirements.txt": "numpy==2.0\n",
        "README.md": "# Mine\n",
    }
    for name, text in own.items():
        (tmp_path / name).write_text(text)
    code, out, _ = init()
    assert code == 0
    assert "train.py: kept (it is there already; --force replaces it)" in out
    assert "poetry.lock: kept (packages are stated by requirements.txt)" in out
    found = present(tmp_path)
    for name in ("train.py", "requirements.txt", "README.md"):
        assert found[name] == own[name]
    assert found[".gitignore"].startswith("mine/\n.env\n")
    assert found[".gitignore"].count(".env\n") == 1
    assert not {"pyproject.toml", "poetry.lock"} & set(found)
    assert "reprotest.yaml" in found
    assert init("--force")[1].count(": replaced\n") == 3
    assert present(tmp_path)["train.py"] == (FILES / "train.py").read_text()


def test_experiments_are_configured_once(init: Init, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.reprotest.experiments.mine]\ncommand = "train.py"\n')
    code, out, _ = init()
    assert code == 0
    assert "reprotest.yaml: kept (experiments are configured in pyproject.toml)" in out
    assert not (tmp_path / "reprotest.yaml").exists()


def test_json(init: Init) -> None:
    code, out, _ = init("--dry-run", "--json", "-")
    content = checked(out)
    assert code == 0
    assert (content["schema"], content["verdict"]) == ("reprotest.init/1", "planned")
    assert {"file": "train.py", "state": "new"} in content["files"]
    assert init("--quiet") == (0, "", "")


def test_a_file_instead_of_a_folder(init: Init, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, _, err = init("file")
    assert code == 2
    assert "file is a file: give a folder" in err


def test_the_lock_is_that_of_the_flakes_template() -> None:
    assert (FILES / "poetry.lock").read_text() == (ROOT / "templates" / "default" / "poetry.lock").read_text()
