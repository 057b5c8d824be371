"""docs/configuration.md is run as a reader would run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


@pytest.mark.slow
def test_the_page_does_what_it_says(tmp_path: Path) -> None:
    text = PAGE.read_text()
    files = re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert len(files) == 6
    for name, content in files:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)
    (tmp_path / ".git").mkdir()
    environment = {
        name: value for name, value in os.environ.items() if name not in ("DATA_PATH", "MLFLOW_TRACKING_TOKEN")
    }
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    steps = 0
    for session in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for step in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
            command, _, expected = step.partition("\n")
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            assert done.stdout == expected, command
            steps += 1
    assert steps == 5
