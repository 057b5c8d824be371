"""docs/tutorial.md, done as it is written: commands are run, edits are made, what is printed is compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"(?:<!-- edit: (?P<file>\S+) -->\n)?```(?P<kind>console|diff)\n(?P<text>.*?)```", re.DOTALL)


def steps(text: str) -> list[tuple[str, str]]:
    """("$", command), ("=", what it prints), (file, edit)."""
    found: list[tuple[str, str]] = []
    for block in BLOCK.finditer(text):
        if block["kind"] == "diff":
            found.append((block["file"], block["text"]))
            continue
        for part in re.split(r"^\$ ", block["text"], flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            found += [("$", command), ("=", printed)]
    return found


def pattern(printed: str) -> str:
    """`…` stands for anything."""
    return ".*".join(re.escape(part) for part in printed.strip("\n").split("…"))


def edited(old: str, edit: str) -> str:
    gone = "".join(line[1:] for line in edit.splitlines(keepends=True) if line.startswith("-"))
    new = "".join(line[1:] for line in edit.splitlines(keepends=True) if line.startswith("+"))
    assert old.count(gone) == 1, gone
    return old.replace(gone, new)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_tutorial(tmp_path: Path) -> None:
    folder, output = tmp_path, ""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tools / "python").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    done = steps(PAGE.read_text())
    assert len(done) > 15
    for kind, text in done:
        if kind == "$":
            shell = f"{text}\npwd >'{tmp_path}/where'"
            ran = subprocess.run(
                ["bash", "-c", shell], cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
            folder = Path((tmp_path / "where").read_text().strip())
            output = ran.stdout
        elif kind == "=":
            assert re.fullmatch(pattern(text), output.strip("\n"), re.DOTALL), f"{text!r} expected, got {output!r}"
        else:
            (folder / kind).write_text(edited((folder / kind).read_text(), text))
