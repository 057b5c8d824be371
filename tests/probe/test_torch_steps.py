"""What the probe records of every step is what the program itself finds in its tensors, on the short way as on the long one."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

import reprotest
from reprotest.record import open_record
from reprotest.record.event import Phase
from reprotest.record.frame import Frame

PROGRAM = Path(__file__).parent / "programs" / "steps.py"


@pytest.mark.slow
def test_every_gradient_and_parameter_of_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(PROGRAM, tmp_path)
    monkeypatch.chdir(tmp_path)
    report = reprotest.run(PROGRAM.name)
    assert report.verdict == "identical"
    record = open_record(report.records[1])
    noted = {path.stem: json.loads(path.read_text()) for path in sorted(tmp_path.glob("*.json"), key=os.path.getmtime)}
    assert len(noted) == 12
    for number, (kind, expected) in enumerate(noted.items(), 1):
        steps = [step for step in map(_Step, record.streams[f"main/fork{number}"].frames) if step.tensors]
        assert [step.tensors for step in steps] == expected, kind
        assert all(step.losses for step in steps), kind
        assert {path for step in steps for path in step.losses} == {PROGRAM.name}, kind
        if kind != "two_optimizers":
            assert [step.number for step in steps] == list(range(len(expected))), kind
    record.close()


class _Step:
    """What one frame says: phase and digest of gradients and parameters, and the files of the losses' lines."""

    def __init__(self, frame: Frame) -> None:
        self.number = frame.step
        events = list(enumerate(frame.template.described))
        self.tensors = [
            [int(event.phase), frame.digest(i).hex()]
            for i, event in events
            if event.phase in (Phase.BACKWARD, Phase.UPDATE)
        ]
        self.losses = [str(event.location).partition(":")[0] for _, event in events if event.phase is Phase.LOSS]
