"""The cases of the zoo: what is in their folders, and how a report of `run` is judged against what is known of them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ZOO = Path(__file__).resolve().parent
PATIENCE = 900.0
"""Seconds after which a case counts as missed. Long, for a machine that is busy with other things."""


@dataclass(frozen=True)
class Case:
    """One folder: a script that knows nothing of reprotest, and what is known of it.

    Attributes:
        verb: the verb that shows it; only `run` is judged here.
        verdict: identical | different (of `run`).
        causes: every cause that must be found; "a|b" where either answer is true.
        also: causes that are true as well, and neither asked for nor wrong.
        lines: for each of `causes`, the places that may be named ("train.py:22").
        steps: completed optimiser steps, where the script's are known and do not vary.
        command: what is given to `run`, where it is not just the script.
    """

    name: str
    folder: Path
    verb: str
    verdict: str
    causes: tuple[str, ...]
    also: frozenset[str]
    lines: dict[str, frozenset[str]]
    steps: int | None
    notes: str
    command: tuple[str, ...] = ("train.py",)

    @classmethod
    def read(cls, folder: Path) -> Case:
        known = json.loads((folder / "expected.json").read_text())
        lines = known["line"]
        if not isinstance(lines, dict):
            lines = dict.fromkeys(known["causes"], lines)
        return cls(
            name=folder.name,
            folder=folder,
            verb=known["verb"],
            verdict=known["verdict"],
            causes=tuple(known["causes"]),
            also=frozenset(known.get("also", ())),
            lines={cause: frozenset(map(_place, places)) for cause, places in lines.items()},
            steps=known.get("steps"),
            notes=known["notes"],
            command=tuple(known.get("command", ("train.py",))),
        )


def _place(line: int | str) -> str:
    return line if isinstance(line, str) else f"train.py:{line}"


def all_cases(zoo: Path = ZOO) -> list[Case]:
    """Every case of a zoo, sorted by name."""
    return [Case.read(path.parent) for path in sorted(zoo.glob("*/expected.json"))]


@dataclass(frozen=True)
class Outcome:
    """How one report was judged. `cause`, `proven` and `line` are None for a case that has no cause to find."""

    case: str
    verdict: str
    expected: str
    verdict_right: bool
    cause: bool | None
    proven: bool | None
    line: bool | None
    wrong_causes: tuple[str, ...]
    said: tuple[str, ...]
    seconds: float
    error: str | None = None

    @property
    def false_alarm(self) -> bool:
        """Something was blamed, or found different, in a script that repeats."""
        return self.expected == "identical" and (self.verdict == "different" or bool(self.wrong_causes))

    @property
    def explained(self) -> bool:
        """Every cause found, proven and placed, and none that is wrong."""
        return (
            self.verdict_right
            and self.cause is not False
            and bool(self.proven)
            and bool(self.line)
            and not self.wrong_causes
        )

    @property
    def right(self) -> bool:
        return self.verdict_right and not self.wrong_causes if self.expected == "identical" else self.explained

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "false_alarm": self.false_alarm, "explained": self.explained, "right": self.right}


def judge(case: Case, report: dict[str, Any], seconds: float) -> Outcome:
    """Compare a report (schema reprotest.run/1) with what is known of the case."""
    said = {cause["factor"]: cause for cause in report["causes"]}
    true = set(case.also).union(*(wanted.split("|") for wanted in case.causes))
    error = report.get("error")
    verdict_right = report["verdict"] == case.verdict
    if verdict_right and case.verdict == "identical" and case.steps not in (None, report["steps"]):
        verdict_right, error = False, f"{report['steps']} steps were seen of {case.steps}"

    found, proven, placed = [], [], []
    for wanted in case.causes:
        answers = [said[factor] for factor in wanted.split("|") if factor in said]
        found.append(bool(answers))
        proven.append(any(answer["proven"] for answer in answers))
        placed.append(any(answer["location"] in case.lines[wanted] for answer in answers))
    return Outcome(
        case=case.name,
        verdict=report["verdict"],
        expected=case.verdict,
        verdict_right=verdict_right,
        cause=all(found) if found else None,
        proven=all(proven) if proven else None,
        line=all(placed) if placed else None,
        wrong_causes=tuple(sorted(set(said) - true)),
        said=tuple(f"{c['factor']} {c['location'] or '-'}{'' if c['proven'] else ' ?'}" for c in report["causes"]),
        seconds=seconds,
        error=error,
    )


def run_case(case: Case, keep: Path | None = None, timeout: float = PATIENCE) -> Outcome:
    """Judge `python -m reprotest run train.py` in a copy of the case's folder, kept as `keep/<case>` when given."""
    with tempfile.TemporaryDirectory(prefix="zoo-") as scratch:
        work = Path(scratch) / case.name
        shutil.copytree(case.folder, work, ignore=shutil.ignore_patterns("expected.json", "SOURCE", "__pycache__"))
        command = [sys.executable, "-m", "reprotest", "run", "--quiet", "--json", "report.json", *case.command]
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            _, problem = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            # An interruption lets reprotest end what it started; killing it at once would leave the script behind.
            process.send_signal(signal.SIGINT)
            _, problem = process.communicate()
            problem = f"no answer within {timeout:.0f} s. {problem}"
        seconds = time.monotonic() - began
        answer = work / "report.json"
        if keep is not None:
            shutil.copytree(work, keep / case.name, dirs_exist_ok=True, symlinks=True)
        if not answer.exists():
            report = {
                "verdict": "error",
                "causes": [],
                "steps": 0,
                "error": problem.strip()[-500:] or f"exit code {process.returncode}",
            }
        else:
            report = json.loads(answer.read_text())
        return judge(case, report, seconds)
