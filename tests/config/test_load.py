"""`load_config` as programs use it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reprotest
from reprotest.config import config_digest
from reprotest.errors import UsageError

Load = Callable[..., Any]

PROGRAM = """\
import reprotest
from pydantic import BaseModel, SecretStr

class Training(BaseModel):
    lr: float = 0.1
    epochs: int = 3

class Config(BaseModel):
    seed: int
    training: Training = Training()
    token: SecretStr = SecretStr("")

config = reprotest.load_config("c.yaml", Config, argv=True)
print(repr(config))
"""


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    (tmp_path / "train.py").write_text(PROGRAM)
    (tmp_path / "c.yaml").write_text("seed: 1\ntoken: ${HF_TOKEN:-none}\n")
    (tmp_path / ".env").write_text("HF_TOKEN=hunter2secret\n")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "train.py", *arguments], capture_output=True, text=True, check=False, cwd=tmp_path
        )

    return run


def test_a_program_takes_overrides_from_its_command_line(program: Callable[..., Any]) -> None:
    done = program("training.lr=1e-3", "seed=7")
    assert done.stdout == "Config(seed=7, training=Training(lr=0.001, epochs=3), token=SecretStr('**********'))\n"
    assert done.stderr == ""


def test_print_config(program: Callable[..., Any]) -> None:
    done = program("--print-config", "training.epochs=5")
    assert (done.returncode, done.stdout) == (0, "seed: 1\ntraining:\n  lr: 0.1\n  epochs: 5\ntoken: '***'\n")


def test_another_file(program: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("seed: 9")
    assert program("--config", "other.yaml").stdout.startswith("Config(seed=9,")


def test_a_mistake_ends_the_program_with_the_message_last(program: Callable[..., Any]) -> None:
    done = program("training.lrr=1")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last == "reprotest.errors.ConfigError: override training.lrr: unknown key training.lrr; did you mean lr?"
    assert "hunter2" not in done.stderr


def test_what_another_parser_left_over(load: Load) -> None:
    assert load("a: 1", argv=["a=2"]).a == 2
    with pytest.raises(UsageError, match="'--a' is not understood"):
        load("a: 1", argv=["--a", "2"])


def test_importing_reprotest_or_its_configuration_imports_no_library() -> None:
    code = "import sys, reprotest.config; print(*sorted({n.split('.')[0] for n in sys.modules}))"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"yaml", "pydantic", "dotenv", "numpy"} & set(names)


def test_without_a_model_pydantic_is_not_needed(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("a: ${B:-1}")
    code = "import sys, reprotest; reprotest.load_config('c.yaml'); print('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_many_keys(load: Load) -> None:
    text = "\n".join(f"group_{n}:\n  lr: 0.{n}\n  name: n{n}\n  depth: ${{size}}" for n in range(2_500)) + "\nsize: 3"
    config = load(text)
    assert len(config) == 2_501
    assert config.group_2499 == {"lr": 0.2499, "name": "n2499", "depth": 3}


def test_a_run_keeps_the_configuration_without_its_secrets(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import reprotest\nconfig = reprotest.load_config('c.yaml')\nreprotest.observe('lr', config.lr)\n"
    )
    (tmp_path / "c.yaml").write_text("lr: 0.1\nday: 2024-01-31\nkey: ${API_KEY}\n")
    (tmp_path / ".env").write_text("API_KEY=hunter2secret\n")
    report = reprotest.run("train.py", runs=2, diagnose=False)
    assert report.verdict is reprotest.Verdict.IDENTICAL
    from reprotest.record.directory import open_record

    (first, _) = sorted(path for path in (tmp_path / ".reprotest" / "runs").iterdir() if path.is_dir())
    record = open_record(first)
    [[entry]] = record.extras("config")
    record.close()
    assert entry["file"] == "c.yaml"
    assert entry["values"] == {"lr": 0.1, "day": "2024-01-31", "key": "***"}
    assert entry["digest"] == config_digest({"lr": 0.1, "day": "2024-01-31", "key": "***"})
    assert not [path for path in first.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    assert json.dumps(entry)
