from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reprotest.config import load_config

Load = Callable[..., Any]
Refused = Callable[..., str]


def test_env_file_of_the_working_directory(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# comment\nDATA_PATH=/mnt/data\nexport QUOTED='a b'\nNEXT=${DATA_PATH}/next\nWORKERS=4\n"
    )
    before = dict(os.environ)
    assert load("a: ${DATA_PATH}\nb: ${QUOTED}\nc: ${NEXT}\nd: ${WORKERS}") == {
        "a": "/mnt/data",
        "b": "a b",
        "c": "/mnt/data/next",
        "d": 4,
    }
    assert dict(os.environ) == before


def test_the_real_environment_wins(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("DATA_PATH=/from/file\n")
    monkeypatch.setenv("DATA_PATH", "/real")
    assert load("a: ${DATA_PATH}").a == "/real"
    monkeypatch.setenv("DATA_PATH", "")
    assert load("a: ${DATA_PATH:-default}").a == "default"


def test_the_nearest_env_file_up_to_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / ".env").write_text("X=1")
    (inner / "c.yaml").write_text("x: ${X:-none}")
    monkeypatch.chdir(inner)
    assert load_config("c.yaml").x == 1
    (tmp_path / "a" / ".git").mkdir()
    assert load_config("c.yaml").x == "none"


def test_another_env_file_or_none(load: Load, refused: Refused, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("X=1")
    (tmp_path / "test.env").write_text("X=2")
    assert load("x: ${X}", env_file="test.env").x == 2
    assert load("x: ${X:-3}", env_file=False).x == 3
    assert "nowhere.env cannot be read: No such file" in refused("x: ${X}", env_file="nowhere.env")


def test_exported_when_asked(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("REPROTEST_TEST_A=file\nREPROTEST_TEST_B=file")
    monkeypatch.setenv("REPROTEST_TEST_A", "real")
    monkeypatch.setenv("REPROTEST_TEST_B", "")
    monkeypatch.delenv("REPROTEST_TEST_B")
    load("x: 1", export=True)
    assert (os.environ["REPROTEST_TEST_A"], os.environ["REPROTEST_TEST_B"]) == ("real", "file")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"A=1\nthis is no assignment\n", ".env:2: expected NAME=value"),
        (b"A=1\nB='open\n", ".env:2: expected NAME=value"),
        (b"A=\xff", ".env:1: not UTF-8"),
        (b"A=" + b"x" * 1_000_001, ".env is larger than 1,000,000 bytes"),
    ],
)
def test_env_files_that_are_none(content: bytes, said: str, refused: Refused, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(content)
    assert said in refused("x: ${X}")


def test_an_env_file_is_not_read_when_nobody_asks(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("no assignment")
    assert load("x: 1").x == 1
    assert load("x: ${X}", environ={"X": "2"}).x == 2


def test_a_missing_variable_points_to_the_example(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text("X=your_value")
    assert refused("x: ${X}").endswith("Set it in the environment or in .env (.env.example shows how).")
