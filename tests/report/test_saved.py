"""Results that are kept beside their records, and found again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reprotest.errors import RecordError, UsageError
from reprotest.report import saved


def store(root: Path, *names: str) -> None:
    for name in names:
        (root / ".reprotest" / "runs" / name).mkdir(parents=True)


def test_kept_under_the_first_run_and_found(tmp_path: Path) -> None:
    store(tmp_path, "20260101T000001.0-aaaaaa", "20260101T000002.0-bbbbbb")
    made = {"schema": "reprotest.run/1", "records": [".reprotest/runs/20260101T000001.0-aaaaaa"]}
    path = saved.keep(made, tmp_path)
    assert path == saved.last(tmp_path) == tmp_path / ".reprotest" / "reports" / "20260101T000001.0-aaaaaa.json"
    assert saved.load(path) == made
    for word in ("20260101T000001", "aaa", path.stem):
        assert saved.find(tmp_path, word, result=True) == path
        assert saved.find(tmp_path, word, result=False).parent.name == "runs"
    assert saved.find(tmp_path, "bbb", result=True).name == "20260101T000002.0-bbbbbb"


def test_what_is_not_there_or_not_clear_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run `python -m reprotest run"):
        saved.last(tmp_path)
    assert not (tmp_path / ".reprotest").exists()
    store(tmp_path, "20260101T000001.0-aaaaaa", "20260101T000002.0-bbbbbb")
    with pytest.raises(UsageError, match="no record or result 'zzz'"):
        saved.find(tmp_path, "zzz", result=True)
    with pytest.raises(UsageError, match="beginning of 2 ids"):
        saved.find(tmp_path, "2026", result=True)
    with pytest.raises(UsageError):
        saved.find(tmp_path, "", result=True)


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_file_that_is_no_result(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(content)
    with pytest.raises(RecordError, match="not a result"):
        saved.load(path)


def test_a_store_that_cannot_be_written_costs_no_verdict(tmp_path: Path) -> None:
    (tmp_path / ".reprotest").write_text("a file")
    assert saved.keep({"schema": "reprotest.run/1"}, tmp_path) is None


def test_results_without_records_are_kept_by_time(tmp_path: Path) -> None:
    path = saved.keep({"schema": "reprotest.run/1", "records": []}, tmp_path)
    assert path is not None
    assert json.loads(path.read_text()) == {"schema": "reprotest.run/1", "records": []}
