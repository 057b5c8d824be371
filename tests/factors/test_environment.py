"""Environment variables in the manifest: values of those that matter, names of the rest, secrets never."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprotest.factors import factor

MASKED = "***"


def reading(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, str]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return dict(factor("environment").read())


def test_values_of_variables_that_matter_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    found = reading(monkeypatch, OMP_NUM_THREADS="3", CUBLAS_WORKSPACE_CONFIG=":4096:8", LC_ALL="C", TZ="UTC", RANK="1")
    assert {k: found[k] for k in ("OMP_NUM_THREADS", "CUBLAS_WORKSPACE_CONFIG", "LC_ALL", "TZ", "RANK")} == {
        "OMP_NUM_THREADS": "3",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "LC_ALL": "C",
        "TZ": "UTC",
        "RANK": "1",
    }


def test_other_variables_are_named_without_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    found = reading(monkeypatch, MY_COMPANYS_SETTING="internal", HF_TOKEN="hf_x", TORCH_API_KEY="k", REPROTEST_PLAN="p")
    assert found["MY_COMPANYS_SETTING"] == found["HF_TOKEN"] == found["TORCH_API_KEY"] == MASKED
    assert "REPROTEST_PLAN" not in found


def test_a_password_inside_of_a_value_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    found = reading(monkeypatch, TORCH_HUB_MIRROR="https://user:pa55word@example.org/x")
    assert "pa55word" not in found["TORCH_HUB_MIRROR"]
    assert "example.org" in found["TORCH_HUB_MIRROR"]


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", min_size=1), st.text("abcdefghijklmnop0123456789", min_size=8))
def test_no_unknown_variable_gives_its_value_away(name: str, value: str) -> None:
    name = f"ZZ{name}"
    os.environ[name] = value
    try:
        assert factor("environment").read()[name] == MASKED
    finally:
        del os.environ[name]
