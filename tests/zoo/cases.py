"""The cases of the zoo: what is in their folders, and how a report of the verb that shows them is judged against what is known."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from reprotest.factors._gpu import is_there

ZOO = Path(__file__).resolve().parent
STEADY, ALARMS = ("identical", "insensitive"), ("different", "sensitive", "unstable")
PATIENCE = 900.0
"""Seconds after which a case counts as missed. Long, for a machine that is busy with other things."""


@dataclass(frozen=True)
class Case:
    """One folder: a script that knows nothing of reprotest, and what is known of it.

    Attributes:
        verb: the verb that shows it: run, vary, resume or compare.
        verdict: as that verb says it.
        causes: every cause that must be found; "a|b" where either answer is true.
        also: causes that are true as well, and neither asked for nor wrong.
        lines: for each of `causes`, the places that may be named ("train.py:22").
        steps: completed optimiser steps, where the script's are known and do not vary.
        command: what is given to the verb, where it is not just the script.
        details: for `resume`: each piece of the state that must be named; for `compare`: what of the factor must be.
        halves: for `resume`: options with the three command lines.
        environments: for `compare`: two folders of packages; the command is run with each of them on its import path.
        missed: why the verb may fail to explain it; None where it must not.
        gpu: it shows on a GPU alone, and is skipped without one.
        gpus: how many of them it takes.
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
    details: frozenset[str] = frozenset()
    halves: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    missed: str | None = None
    gpu: bool = False
    gpus: int = 1

    @property
    def can_show(self) -> bool:
        """Has this machine what it takes?"""
        return not self.gpu or (is_there() and (self.gpus == 1 or _gpus() >= self.gpus))

    @property
    def steady(self) -> bool:
        """Is there nothing to be found?"""
        return self.verdict in STEADY

    @property
    def arguments(self) -> tuple[str, ...]:
        """The verb's command line, without its output options."""
        return self.halves or tuple(f"{name}.json" for name in self.environments) or self.command

    @property
    def is_race(self) -> bool:
        """Does it depend on what else the machine does whether it shows?"""
        return any(
            cause in ("threads.schedule", "torch.kernels") for wanted in self.causes for cause in wanted.split("|")
        )

    @classmethod
    def read(cls, folder: Path) -> Case:
        known = json.loads((folder / "expected.json").read_text())
        lines = known.get("line", [])
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
            details=frozenset(known.get("details", ())),
            halves=tuple(
                word for part in ("full", "first", "second") if part in known for word in (f"--{part}", known[part])
            ),
            environments=tuple(known.get("environments", ())),
            missed=known.get("missed"),
            gpu=known.get("gpu", False),
            gpus=known.get("gpus", 1),
        )


@cache
def _gpus() -> int:
    """Counted in a process of its own: CUDA must not start in this one."""
    counting = [sys.executable, "-c", "import torch; print(torch.cuda.device_count())"]
    done = subprocess.run(counting, capture_output=True, text=True, check=False)
    return int(done.stdout) if done.stdout.strip().isdigit() else 0


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
        return self.expected in STEADY and (self.verdict in ALARMS or bool(self.wrong_causes))

    @property
    def explained(self) -> bool:
        """Every cause found, proven and placed, and none that is wrong."""
        return (
            self.verdict_right
            and self.cause is not False
            and self.proven is not False
            and self.line is not False
            and not self.wrong_causes
        )

    @property
    def right(self) -> bool:
        return self.verdict_right and not self.wrong_causes if self.expected in STEADY else self.explained

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Outcome:
        """What `to_json` made."""
        known = {field.name: document[field.name] for field in fields(cls)}
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in known.items()})

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "false_alarm": self.false_alarm, "explained": self.explained, "right": self.right}


def judge(case: Case, report: dict[str, Any], seconds: float) -> Outcome:
    """Compare a report of the case's verb with what is known of the case."""
    causes = _causes(report)
    said = {cause["factor"]: cause for cause in causes}
    true = set(case.also).union(*(wanted.split("|") for wanted in case.causes))
    error = report.get("error")
    verdict_right = report["verdict"] == case.verdict
    if verdict_right and case.steady and case.steps not in (None, report.get("steps", case.steps)):
        verdict_right, error = False, f"{report['steps']} steps were seen of {case.steps}"

    found, proven, placed = [], [], []
    for wanted in case.causes:
        answers = [said[factor] for factor in wanted.split("|") if factor in said]
        found.append(bool(answers))
        proven.append(any(answer.get("proven", True) for answer in answers))
        if case.lines[wanted]:
            placed.append(any(answer.get("location") in case.lines[wanted] for answer in answers))
    wrong = set(said) - true
    if case.details:  # the pieces of the state, all of them and no other
        details = {cause.get("detail"): cause for cause in causes}
        found.append(case.details <= details.keys())
        proven.append(all(cause["proven"] for cause in causes))
        wrong |= {str(name) for name in details.keys() - case.details}
    return Outcome(
        case=case.name,
        verdict=report["verdict"],
        expected=case.verdict,
        verdict_right=verdict_right,
        cause=all(found) if found else None,
        proven=all(proven) if proven else None,
        line=all(placed) if placed else None,
        wrong_causes=tuple(sorted(wrong)),
        said=tuple(
            f"{c['factor']} {c.get('detail') or c.get('location') or '-'}{'' if c.get('proven', True) else ' ?'}"
            for c in causes
        ),
        seconds=seconds,
        error=error,
    )


def _causes(report: dict[str, Any]) -> list[dict[str, Any]]:
    """What is blamed: causes of `run` and `resume`, factors that `vary` found to matter, those that `compare` puts first."""
    found: list[dict[str, Any]] = report.get("causes") or report.get("sensitive_to") or []
    environment: list[dict[str, Any]] = report.get("environment") or []
    if report["verdict"] == "different" and environment:
        first = environment[0]
        found = [
            {**one, "proven": one["known"] == "matters", "detail": one["changes"][0]["key"]}
            for one in environment
            if (one["known"], one["likely"]) == (first["known"], first["likely"])
        ]
    return found


def run_case(case: Case, keep: Path | None = None, timeout: float = PATIENCE) -> Outcome:
    """Judge `python -m reprotest VERB train.py` in a copy of the case's folder, kept as `keep/<case>` when given."""
    with tempfile.TemporaryDirectory(prefix="zoo-") as scratch:
        work = Path(scratch) / case.name
        shutil.copytree(case.folder, work, ignore=shutil.ignore_patterns("expected.json", "SOURCE", "__pycache__"))
        command = [sys.executable, "-m", "reprotest", case.verb, "--quiet", "--json", "report.json", *case.arguments]
        began = time.monotonic()
        for name in case.environments:
            path = os.pathsep.join(filter(None, (str(work / name), os.environ.get("PYTHONPATH"))))
            recording = [*command[:3], "run", "--quiet", "--json", f"{name}.json", *case.command]
            subprocess.run(
                recording, cwd=work, env={**os.environ, "PYTHONPATH": path}, timeout=timeout, capture_output=True
            )
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
