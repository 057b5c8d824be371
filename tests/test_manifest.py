from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest
from rich.console import Console

from reprotest import manifest
from reprotest.factors.base import Factor
from reprotest.report import manifest as presenter


class Fine(Factor):
    id = "environment"
    what = "environment variables"
    fix = "set them"

    def read(self) -> Mapping[str, Any]:
        return {"HF_TOKEN": "geheim1234", "SEED": "1", "url": "http://me:pw@host", "nested": {"api_key": "geheim1234"}}


class Broken(Factor):
    id = "gpu.hardware"
    what = "GPU"
    fix = "buy another"

    def read(self) -> Mapping[str, Any]:
        raise OSError("driver gone")


class Unread(Factor):
    id = "threads.schedule"
    what = "order"
    fix = "sort"


class Long(Factor):
    id = "packages"
    what = "packages"
    fix = "lock"

    def read(self) -> Mapping[str, Any]:
        return {"installed": {f"p{n}": "1.0" for n in range(50)}, "few": ["a", "b"], "none": None, "flag": True}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(manifest, "all_factors", lambda: (Unread(), Long(), Fine(), Broken()))
    return manifest.read()


def test_every_factor_is_asked_and_none_spoils_another(machine: dict[str, Any]) -> None:
    assert machine["schema"] == "reprotest.env/1"
    assert list(machine["factors"]) == ["environment", "gpu.hardware", "packages", "threads.schedule"]
    assert machine["factors"]["gpu.hardware"] == {"error": "OSError: driver gone"}


def test_secrets_are_masked(machine: dict[str, Any]) -> None:
    assert machine["factors"]["environment"] == {
        "HF_TOKEN": "***",
        "SEED": "1",
        "url": "http://me:***@host",
        "nested": {"api_key": "***"},
    }


def test_in_a_terminal(machine: dict[str, Any]) -> None:
    file = io.StringIO()
    presenter.show(machine, Console(file=file, width=80, color_system=None))
    assert "\n".join(line.rstrip() for line in file.getvalue().splitlines()) == (
        "environment   HF_TOKEN   ***\n"
        "              SEED       1\n"
        "              url        http://me:***@host\n"
        "              nested     api_key=***\n"
        "gpu.hardware  error      OSError: driver gone\n"
        "packages      installed  50 entries (--json lists them)\n"
        "              few        a, b\n"
        "              none       not set\n"
        "              flag       yes\n"
        "\nNothing to read about threads.schedule: they only act while a program runs."
    )


def test_the_real_machine_can_be_read() -> None:
    read = manifest.read()
    assert all(isinstance(reading, dict) for reading in read["factors"].values())
