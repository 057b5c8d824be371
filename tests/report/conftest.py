"""Results of every kind, as a diagnosis leaves them, for the presenters to present."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reprotest.record.writer import StreamWriter
from reprotest.report import words
from reprotest.result import Cause, Difference, Experiment, RunReport, Verdict, Watched

TRAIN = """\
import numpy as np
import torch
from torch import nn

torch.manual_seed(0)


def batches(n: int, size: int):
    order = np.random.permutation(n)
    for start in range(0, n, size):
        yield order[start : start + size]


api_key = "sk-abcdefghijklmnopqrstuvwxyz"
names = set(open("names.txt").read().split())
index = {name: i for i, name in enumerate(names)}
"""

BATCH = Difference(
    step=0,
    phase="data",
    name="batch[0]",
    kind="order",
    location="train.py:11",
    note="the same rows in another order",
)
WEIGHT = Difference(
    step=3,
    phase="backward",
    name="embedding.weight.grad",
    op="aten::embedding_dense_backward",
    location="train.py:16",
    max_abs=2.98e-08,
    max_rel=1.19e-07,
    ulp=1,
)
SHUFFLE = Cause(
    factor="numpy.random",
    proven=True,
    location="train.py:9",
    evidence="pinned: identical; left to vary: different",
    fix="pass a seed: np.random.seed(…) before the first draw, or np.random.default_rng(seed)",
    first_difference=BATCH,
)
HASH = Cause(
    factor="python.hash",
    proven=True,
    location="train.py:15",
    evidence="pinned: identical; left to vary: different",
    fix="sort the set before it is used, or set PYTHONHASHSEED before Python starts",
    first_difference=WEIGHT,
)


def _different(**changes: object) -> RunReport:
    fields: dict[str, object] = {
        "verdict": Verdict.DIFFERENT,
        "command": ["train.py", "--epochs", "2", "--hf-token", "geheim1234"],
        "runs": 2,
        "steps": 40,
        "seconds": 12.6,
        "first_difference": BATCH,
        "causes": [SHUFFLE],
        "watched": [
            Watched("numpy.random", "train.py:9", 4, True),
            Watched("clock", "train.py:4", 12, False),
            Watched("clock", None, 80, False),
            Watched("os.entropy", None, 1, None),
        ],
        "experiments": [
            Experiment("everything pinned", None, "identical", 4.2, 2),
            Experiment("numpy.random left to vary, the rest pinned", "numpy.random", "different", 1.1, 1, BATCH),
            Experiment("only numpy.random pinned, the rest free", None, "identical", 4.3, 2),
        ],
        "located": [WEIGHT],
        "observed": {"init": 8, "data": 80, "loss": 40, "backward": 320, "update": 320, "state": 120},
        "unobserved": ["the process started by `bash -c` at train.py:12 is not [bold]Python"],
        "exit_codes": [0, 0],
        "records": [".reprotest/runs/a", ".reprotest/runs/b"],
    }
    return RunReport(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def samples() -> dict[str, RunReport]:
    """A report of each kind."""
    unproven = Cause(
        factor="torch.kernels",
        proven=False,
        location="train.py:11",
        evidence="every other factor pinned, the runs still differ; left over by elimination",
        fix="torch.use_deterministic_algorithms(True)",
    )
    return {
        "proven": _different(),
        "two_causes": _different(causes=[SHUFFLE, HASH], located=[]),
        "identical": _different(
            verdict=Verdict.IDENTICAL,
            command=["-m", "package.train"],
            runs=3,
            first_difference=None,
            causes=[],
            experiments=[],
            located=[],
            unobserved=[],
            not_varied=["threads.count", "cpu.isa", "packages", "gpu.hardware"],
            watched=[Watched("clock", "train.py:4", 12, False)],
            exit_codes=[0, 0, 0],
        ),
        "error": _different(
            verdict=Verdict.ERROR,
            steps=0,
            first_difference=None,
            causes=[],
            experiments=[],
            watched=[],
            located=[],
            observed={},
            unobserved=[],
            exit_codes=[3],
            error="run 1 of 2 exited with code 3",
            records=["runs/a"],
        ),
        "unproven": _different(causes=[unproven], first_difference=WEIGHT, located=[]),
        "race": _different(
            first_difference=WEIGHT,
            causes=[],
            located=[],
            experiments=[
                Experiment(
                    "everything pinned",
                    None,
                    "inconclusive",
                    30.0,
                    1,
                    note="given up after 30 s",
                ),
                Experiment(
                    "everything pinned",
                    None,
                    "inconclusive",
                    2.0,
                    1,
                    note="the program failed under this pin (exit code 1: login with token=geheim1234 refused)",
                ),
                Experiment("everything pinned", None, "different", 4.0, 2, WEIGHT),
            ],
        ),
        "interrupted": _different(
            interrupted=True,
            causes=[],
            located=[],
            experiments=[Experiment("everything pinned", None, "identical", 4.2, 2)],
        ),
        "interrupted_early": _different(
            interrupted=True,
            verdict=Verdict.ERROR,
            first_difference=None,
            causes=[],
            located=[],
            experiments=[],
            watched=[],
            observed={},
            unobserved=[],
            exit_codes=[0],
            records=["runs/a"],
        ),
        "output_only": _different(
            runs=2,
            steps=0,
            first_difference=Difference(
                step=0, phase="output", name="stdout line 3", note="run 1: loss 0.31, run 2: loss 0.30"
            ),
            causes=[],
            experiments=[],
            located=[],
            watched=[],
            observed={"output": 1},
            unobserved=["no training, estimator or observed value: only the output was compared"],
            masked=["times", "paths", "process ids"],
        ),
        "died": _different(
            first_difference=Difference(
                step=7, phase="update", name="", kind="died", note="run 2 ended here with exit code 1"
            ),
            causes=[],
            experiments=[],
            located=[],
            exit_codes=[0, 1],
        ),
    }


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the script that the reports speak of, made the working directory."""
    (tmp_path / "train.py").write_text(TRAIN)
    records = tmp_path / "runs" / "a"
    records.mkdir(parents=True)
    (records / "stderr.txt").write_text(
        "epoch 1:   0%\repoch 1: 100%\r\n\x1b[31mTraceback (most recent call last):\x1b[0m\n"
        '  File "train.py", line 9, in <module>\n    login("geheim1234")\nValueError: no access with token=geheim1234\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


Recorded = Callable[..., list[Path]]


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    """Write the records of two runs of a training that part at a step: folders as `run` leaves them."""

    def write(
        *,
        steps: int = 40,
        modules: Sequence[str] = ("conv1", "conv2", "fc"),
        part: int | None = 12,
        growth: float = 1.3,
    ) -> list[Path]:
        described = [("batch[0]", 1, None, "float32", (64, 8), None), ("loss", 3, None, "float32", (), "train.py:12")]
        described += [(f"{name}.weight", 5, None, "float32", (8, 8), None) for name in modules]
        n, random = len(described), np.random.default_rng(0)
        paths = [tmp_path / ".reprotest" / "runs" / f"20261126T00000{run}.000000-abc12{run}" for run in (1, 2)]
        for run, path in enumerate(paths):
            (path / "streams").mkdir(parents=True)
            writer = StreamWriter(path / "streams" / "main.rec")
            template = writer.template(described)
            for step in range(steps):
                digests = np.full((n, 2), step, "<u8")
                digests[:, 1] = np.arange(n)
                sketches = np.tile([[0.1, 0.5]], (n, 1))
                sketches[1] = 1.0 / (step + 1), 0.0
                if run and part is not None and step >= part:
                    digests[1:, 0] += 1 << 32
                    sketches[1:, 0] += 1e-7 * min(growth ** (step - part), 1e6) * random.random(n - 1)
                writer.frame(step, template, [row.tobytes() for row in digests], sketches.ravel().tolist())
            writer.close()
            manifest = {
                "command": ["train.py"],
                "factors": {"threads.count": {"torch": 2 - run}, "packages": {"torch": "2.13.0"}},
            }
            (path / "manifest.json").write_text(json.dumps(manifest))
            (path / "exit.json").write_text('{"ended": "finished", "exit_code": 0, "seconds": 1.5}')
        return paths

    return write


@pytest.fixture
def golden(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Compare a text with a file of `golden/`. To renew them after a wanted change: `REPROTEST_GOLDEN=1 pytest tests/report`."""
    for name in ("HF_TOKEN", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    # The factors' own words may change without these reports.
    monkeypatch.setattr(words, "what", {"numpy.random": "what NumPy draws, which differs in every process"}.get)

    def check(name: str, text: str) -> None:
        file = Path(__file__).with_name("golden") / name
        if os.environ.get("REPROTEST_GOLDEN"):
            file.write_text(text)
        assert text == file.read_text()

    return check


HOSTILE = "</script><script>alert(1)</script>]]>|`x`**b**[l](http://e.x)<img src=x onerror=alert(2)>&amp;\u202e"


@pytest.fixture
def hostile(samples: dict[str, RunReport]) -> RunReport:
    """A result all of whose texts were chosen by someone who means harm."""
    first = replace(BATCH, name=HOSTILE, op=HOSTILE, stream=HOSTILE, note=HOSTILE, location=f"{HOSTILE}:3")
    cause = Cause(HOSTILE, True, f"{HOSTILE}:3", HOSTILE, HOSTILE, first)
    row = Experiment(HOSTILE, HOSTILE, "different", 1.0, 1, first, HOSTILE)
    return replace(
        samples["proven"],
        command=[HOSTILE, f"--token={HOSTILE}"],
        first_difference=first,
        causes=[cause],
        experiments=[row],
        located=[first],
        watched=[Watched(HOSTILE, HOSTILE, 1, None)],
        unobserved=[HOSTILE],
        masked=[HOSTILE],
    )
