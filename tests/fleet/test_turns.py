"""Runs go side by side only where they cannot meet in the files that they leave."""

from __future__ import annotations

from typing import Any

import pytest

from reprotest.fleet.cluster import Target
from reprotest.fleet.turns import Place, Turns, left_behind, place

A, B, C = (Target(f"tcp://{name}", name, name) for name in "abc")
SHARED = {A: Place("one", 7), B: Place("two", 7), C: Place("three", 8)}


def test_before_anything_is_known_only_those_run_side_by_side_that_cannot_meet() -> None:
    turns = Turns(SHARED)
    assert turns.may_begin(A, set())
    assert not turns.may_begin(A, {A})
    assert not turns.may_begin(B, {A})
    assert turns.may_begin(C, {A})
    assert turns.said is None


def test_a_command_that_leaves_nothing_may_run_everywhere() -> None:
    turns = Turns(SHARED)
    turns.learn([])
    assert turns.may_begin(B, {A, C})
    assert not turns.alone(B, {A})


def test_a_command_that_leaves_files_waits_where_it_would_meet_itself() -> None:
    turns = Turns(SHARED)
    turns.learn(["/project/model.pt", "/project/log.txt"])
    turns.learn([])
    assert not turns.may_begin(B, {A})
    assert turns.may_begin(C, {A})
    assert turns.alone(B, {A})
    assert not turns.alone(C, {A, B})
    said = turns.said
    assert said is not None
    assert "(log.txt and 1 more)" in said


@pytest.mark.parametrize(
    ("a", "b", "meet"),
    [
        (Place("one", 7), Place("one", 9), True),  # temporary files
        (Place("one", 7), Place("two", 7), True),
        (Place("one", 7), Place("two", 8), False),
        (Place("one", None), Place("two", None), False),
    ],
)
def test_who_meets_whom(a: Place, b: Place, meet: bool) -> None:
    assert a.meets(b) == b.meets(a) == meet


def test_a_folder_is_known_by_its_number(tmp_path: Any) -> None:
    (tmp_path / "x").mkdir()
    assert place(str(tmp_path)) == place(str(tmp_path / "x" / ".."))
    assert place(str(tmp_path)).folder != place(str(tmp_path / "x")).folder
    assert place(str(tmp_path / "none")).folder is None


def test_what_a_run_leaves(tmp_path: Any) -> None:
    (tmp_path / "made").write_text("")

    class Made:
        def extras(self, key: str) -> list[Any]:
            assert key == "files"
            changed = {
                str(tmp_path / "made"): {"written": {"site": None}},
                str(tmp_path / "scratch"): {"written": {"site": None}},  # removed again
                str(tmp_path / "removed"): {"written": {"site": None, "size": 3}},
                str(tmp_path / "read"): {"read": {"site": None, "size": 3}},
            }
            return [changed, "damaged", {"x": 3}]

    assert left_behind(Made()) == [str(tmp_path / "made"), str(tmp_path / "removed")]  # type: ignore[arg-type]
