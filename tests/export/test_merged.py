from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from reprotest.export.merged import env_example, ignored


def test_an_ignore_file_from_nothing() -> None:
    text = ignored("")
    assert {".env", "*.ckpt", "/data/", ".reprotest/", "__pycache__/"} <= set(text.splitlines())
    assert ".git/" in ignored("", docker=True).splitlines()


def test_lines_are_added_once_and_none_is_taken_away() -> None:
    existing = "# ours\n.env\ndata\n!keep.pth\n"
    text = ignored(existing)
    assert text.startswith(existing)
    assert text.splitlines().count(".env") == 1
    assert "/data/" not in text.splitlines()
    assert ".reprotest/" in text.splitlines()
    assert ignored(text) == text


@given(st.text())
def test_adding_twice_adds_nothing(existing: str) -> None:
    once = ignored(existing)
    assert once.startswith(existing.rstrip("\n") if existing.strip() else "")
    assert ignored(once) == once


def test_an_example_of_what_the_project_asks_for(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "c.yaml").write_text(
        "a: ${DATA_PATH:-./data}\nb: x-${env:API_KEY}/${other.key}\nc: $${NOT_ONE}\nd: ${lower}\n"
    )
    (tmp_path / "train.py").write_text(
        "import os\nos.environ['OUTPUT'] = '1'\nprint(os.environ['INPUT'], os.getenv('WORKERS', '3'), os.environ.get('HF_TOKEN'))\n"
        "os.environ.get(name)\n"
    )
    (tmp_path / "broken.py").write_text("def (")
    (tmp_path / ".env").write_text("SECRET_KEY=hunter2\nexport DATA_PATH=/mnt/private\n# a comment\n")
    text = env_example(tmp_path, "")
    assert text.splitlines() == [
        "# Copy to .env, which is not versioned, and fill in.",
        "API_KEY=your_api_key_here",
        "DATA_PATH=./data",
        "HF_TOKEN=your_hf_token_here",
        "INPUT=",
        "SECRET_KEY=your_secret_key_here",
        "WORKERS=",
    ]
    assert env_example(tmp_path, text) == text


def test_what_an_example_has_stays(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("a: ${NEW}\nb: ${OLD}\n")
    assert env_example(tmp_path, "OLD=mine\n#COMMENTED=1\n") == "OLD=mine\n#COMMENTED=1\n\nNEW=\n"
