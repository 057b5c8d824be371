"""Hugging Face's Trainer and Lightning's, stopped and resumed from inside, unedited and with one command."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.integration, pytest.mark.timeout(900)]

EXAMPLES = Path(__file__).parents[2] / "examples"


def resume(tmp_path: Path, script: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    shutil.copy(EXAMPLES / script, tmp_path)
    command = [sys.executable, "-m", "reprotest", "resume", "--quiet", "--json", "-", *arguments, script, "--seed", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_transformers_saves_everything(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    code, document = resume(tmp_path, "hf_trainer.py", "--at", "5")
    assert (code, document["verdict"]) == (0, "identical"), document
    assert (document["resumed_at"], document["compared"]) == (5, 7)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".reprotest", "hf_trainer.py"]
    assert not (tmp_path / ".reprotest" / "resume").exists()


def test_lightning_loses_the_random_generators(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    code, document = resume(tmp_path, "lightning_module.py")
    assert (code, document["verdict"]) == (1, "different"), document
    assert [(cause["detail"], cause["proven"]) for cause in document["causes"]] == [("torch.random", True)]


def test_another_program_is_told_what_to_give(tmp_path: Path) -> None:
    code, document = resume(tmp_path, "nanogpt.py")
    assert (code, document["verdict"]) == (3, "error")
    assert "--first and --second" in document["error"]
