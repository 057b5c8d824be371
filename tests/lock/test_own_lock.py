"""This repository's own lock: its examples give the locked results, or, on another class of machines, are near enough."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.documents import checked

from reprotest import cli
from reprotest.lock import file, readme

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_our_own_examples_give_the_locked_results(tmp_path, monkeypatch):
    # In a copy, so that a checkout that cannot be written, or is in use, does as well.
    shutil.copy(ROOT / file.NAME, tmp_path)
    shutil.copytree(
        ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns(".reprotest", "__pycache__")
    )
    monkeypatch.chdir(tmp_path)
    code = cli.main(["verify", "--quiet", "--json", "verify.json"])
    document = checked(tmp_path / "verify.json")
    assert (code, document["verdict"]) == (0, "passed"), document
    assert "digits_cnn" in document["experiments"]


def test_the_lock_is_written_as_we_write_it_now():
    assert file.dumps(file.read(ROOT / file.NAME)) == (ROOT / file.NAME).read_text()


def test_our_readme_says_the_locked_results():
    assert readme.state(ROOT / "README.md", file.read(ROOT / file.NAME)) == "current", (
        "run `python -m reprotest lock --readme`"
    )
