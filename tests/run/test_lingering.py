"""A program that was stopped as planned and does not come to its end is ended from outside."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

import reprotest
from reprotest.run import replicate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def test_an_exit_that_hangs_with_the_interpreter_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(replicate, "_LINGERING", 5.0)
    (tmp_path / "train.py").write_text(
        textwrap.dedent(
            """
            import atexit
            import ctypes
            import torch

            atexit.register(ctypes.PyDLL(None).sleep, 600)
            torch.manual_seed(0)
            model = torch.nn.Linear(4, 1)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            for step in range(8):
                optimizer.zero_grad()
                model(torch.ones(1, 4)).sum().backward()
                optimizer.step()
            """
        )
    )
    report = reprotest.run("train.py", steps=4)
    assert report.verdict == "identical", report
    assert report.steps == 4
