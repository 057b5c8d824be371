"""Third-party trainers, unedited: seeded they repeat, unseeded the cause is proven."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

import reprotest
from reprotest.result import Verdict

pytestmark = [pytest.mark.slow, pytest.mark.integration, pytest.mark.timeout(900)]

EXAMPLES = Path(__file__).parents[2] / "examples"
NEEDS = {"hf_trainer.py": "transformers", "lightning_module.py": "lightning", "nanogpt.py": "torch"}


@pytest.fixture(params=NEEDS)
def example(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = str(request.param)
    if importlib.util.find_spec(NEEDS[name]) is None:
        pytest.skip(f"{NEEDS[name]} is not installed")
    shutil.copy(EXAMPLES / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return name


def test_seeded_it_repeats(example: str) -> None:
    report = reprotest.run([example, "--seed", "1"])
    assert report.verdict is Verdict.IDENTICAL, report
    assert report.steps > 0
    assert {"init", "loss", "backward", "update"} <= report.observed.keys()


def test_with_one_seed_removed_the_cause_is_proven(example: str) -> None:
    report = reprotest.run([example], steps=2)
    assert report.verdict is Verdict.DIFFERENT, report
    assert [(cause.factor, cause.proven) for cause in report.causes] == [("torch.random", True)]
