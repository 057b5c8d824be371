"""Which factors are tried, and which of them first."""

from __future__ import annotations

from typing import Any

import pytest

from reprotest.diagnose.candidates import candidates
from reprotest.result import Difference


class Left:
    """What of a run's record is asked for here."""

    def __init__(self, uses: dict[str, dict[str, int]], **extras: Any) -> None:
        self._uses, self._extras = uses, extras

    def uses(self) -> dict[str, dict[str, int]]:
        return self._uses

    def extras(self, key: str) -> list[Any]:
        return [self._extras[key]] if key in self._extras else []


def order(uses: dict[str, dict[str, int]], first: Difference | None = None, *, files_differ: bool = False) -> list[str]:
    record: Any = Left(uses, modules=["torch", "numpy"])
    return [candidate.id for candidate in candidates([record, record], first, files_differ=files_differ)]


def at(op: str | None, phase: str = "forward", name: str = "x") -> Difference:
    return Difference(0, phase, name, op=op)


@pytest.fixture(autouse=True)
def free_hash_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)


def test_what_was_seen_in_use_comes_before_what_may_act_unseen() -> None:
    found = order({"clock": {"train.py:3": 1}})
    assert found[0] == "clock"
    assert {"python.hash", "memory.address", "torch.kernels"} <= set(found)
    assert "numpy.random" not in found


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (at("aten::addmm"), "memory.uninitialised"),
        (at("aten::native_dropout"), "torch.random"),
        (at("aten::uniform_", "init"), "torch.random"),
        (at("aten::index_put_", "data"), "memory.uninitialised"),
        (at("aten::empty", "data", "uninitialised memory"), "memory.uninitialised"),
        (at("aten::stack", "data"), "numpy.random"),
        (at(None), "numpy.random"),
    ],
)
def test_the_first_differing_operator_says_what_is_tried_first(first: Difference, expected: str) -> None:
    assert order({"numpy.random": {"train.py:3": 1}, "torch.random": {"train.py:9": 1}}, first)[0] == expected


def test_kernels_are_last_where_none_has_run_yet() -> None:
    found = order({}, at(None, "data"))
    assert set(found[-2:]) == {"torch.kernels", "memory.uninitialised"}


def test_files_that_nobody_reads_again_are_not_the_first_suspects() -> None:
    found = order({"clock": {"train.py:3": 1}}, files_differ=True)
    assert "external.state" in found[1:]
    assert "external.state" not in order({"clock": {"train.py:3": 1}})
