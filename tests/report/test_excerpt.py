from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprotest.report.excerpt import clean, excerpt, split_location, tail


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "train.py"
    file.write_text("".join(f"line {number}\n" for number in range(1, 11)))
    return tmp_path


@pytest.mark.parametrize(("line", "first", "count"), [(1, 1, 4), (2, 1, 5), (5, 2, 7), (9, 6, 5), (10, 7, 4)])
def test_three_lines_of_context_as_far_as_there_are(line: int, first: int, count: int, script: Path) -> None:
    found = excerpt(f"train.py:{line}", script)
    assert found is not None
    assert (found.line, found.first, len(found.lines)) == (line, first, count)
    assert found.lines[line - first] == f"line {line}"


@pytest.mark.parametrize(
    "location", [None, "", "train.py", "train.py:", "train.py:0", "train.py:11", "gone.py:1", "train.py:x", ".:1"]
)
def test_what_cannot_be_shown(location: str | None, script: Path) -> None:
    assert excerpt(location, script) is None


def test_empty_lines_at_the_ends_are_left_out_but_never_the_guilty_one(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("\n\n\nx = 1\n\n\n\n")
    assert excerpt("a.py:4", tmp_path).lines == ("x = 1",)  # type: ignore[union-attr]
    assert excerpt("a.py:3", tmp_path).lines == ("", "x = 1")  # type: ignore[union-attr]


def test_source_is_shown_without_secrets_and_control_characters(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b'\tapi_key = "abcdefgh"  # \x1b[31mred\x1b[0m \xff \x07\n')
    assert excerpt("a.py:1", tmp_path).lines == ('    api_key = "***"  # red \ufffd ',)  # type: ignore[union-attr]


def test_split_location() -> None:
    assert split_location("a:b.py:3") == ("a:b.py", 3)
    assert split_location("a.py:\u0663") is None


@given(st.text())
def test_cleaned_text_cannot_move_a_cursor(text: str) -> None:
    assert not {c for c in clean(text) if (ord(c) < 32 and c not in "\t\n") or 127 <= ord(c) < 160}


def test_tail(tmp_path: Path) -> None:
    file = tmp_path / "stderr.txt"
    file.write_text("old\n" * 100_000 + "epoch:  10%\repoch: 100%\r\nlast with geheim1234\n\n\n")
    assert tail(file, 3, ["geheim1234"]) == ["old", "epoch: 100%", "last with ***"]
    assert tail(tmp_path / "gone.txt") == []
    file.write_text("")
    assert tail(file) == []
