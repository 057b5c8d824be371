from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from reprotest.export.variables import held

ROOT = Path(__file__).parents[2]


def test_the_variables_are_those_of_the_flake() -> None:
    assert held() == json.loads((ROOT / "nix" / "variables.json").read_text())


def test_the_present_environment_plays_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    before = held()
    monkeypatch.setenv("PYTHONHASHSEED", "77")
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    environment = dict(os.environ)
    assert held() == before
    assert dict(os.environ) == environment
