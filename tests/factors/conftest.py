"""Runs small programs under the probe, with some factors held."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reprotest.factors import Setting
from reprotest.probe.plan import Plan
from reprotest.run.command import Command
from reprotest.run.replicate import replicate


@dataclass
class Played:
    """What one run of a program left: its output, the uses that were noted (factor → site → calls), notes and plain data."""

    out: str
    uses: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    extras: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def gave_up(self) -> list[Any]:
        return self.extras.get("gave_up", [])


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., Played]:
    """Write a program to `main.py` in a folder of its own and run it once, with the settings given by factor id.

    The program must end well within `timeout` seconds (default 60); `cwd` names another folder than the common one.
    """
    runs = iter(range(1000))

    def play(
        source: str, hold: Mapping[str, Setting | int] | None = None, *, cwd: Path | None = None, timeout: float = 60
    ) -> Played:
        folder = cwd or tmp_path / "project"
        folder.mkdir(exist_ok=True)
        (folder / "main.py").write_text(textwrap.dedent(source))
        run_dir = tmp_path / "store" / "runs" / f"{next(runs):03}"
        for part in ("streams", "values", "watch"):
            (run_dir / part).mkdir(parents=True)
        factors = {
            name: s if isinstance(s, Setting) else Setting(seed=7, variant=s) for name, s in (hold or {}).items()
        }
        command = Command(shown=("main.py",), argv=(sys.executable, "main.py"), cwd=str(folder))
        done = replicate(command, Plan(run_dir=str(run_dir), cwd=str(folder), factors=factors), timeout=timeout)
        errors = (run_dir / "stderr.txt").read_text()
        assert done.exit_code == 0, (done, errors)
        assert not (run_dir / "bootstrap-error.txt").exists(), (run_dir / "bootstrap-error.txt").read_text()
        played = Played((run_dir / "stdout.txt").read_text())
        for path in sorted((run_dir / "watch").glob("*.json")):
            document = json.loads(path.read_text())
            played.notes += document["notes"]
            for name, sites in document["factors"].items():
                into = played.uses.setdefault(name, {})
                for site, calls in sites.items():
                    into[site] = into.get(site, 0) + calls
            for key, value in document["extra"].items():
                played.extras.setdefault(key, []).append(value)
        return played

    return play
