"""Programs that start Python for others: a shell script, torchrun with its ranks, accelerate. Unedited, as for a script of one process."""

from __future__ import annotations

import importlib.util
import shutil
import textwrap
from pathlib import Path

import pytest

import reprotest
from reprotest.record import open_record
from reprotest.result import RunReport, Verdict

pytestmark = [pytest.mark.slow, pytest.mark.integration, pytest.mark.timeout(900)]

RANKS = """
    import sys
    import numpy as np
    import torch
    import torch.distributed as dist

    dist.init_process_group("gloo")
    rank = dist.get_rank()
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    rng = np.random.default_rng(rank if "--seeded" in sys.argv else None)
    for _ in range(2):
        x = torch.from_numpy(rng.normal(size=(8, 4)).astype("float32"))
        optimizer.zero_grad()
        (model(x) - x.sum(1, keepdim=True)).pow(2).mean().backward()
        for parameter in model.parameters():
            dist.all_reduce(parameter.grad)
        optimizer.step()
    dist.destroy_process_group()
"""

ACCELERATED = """
    import torch
    from accelerate import Accelerator
    from accelerate.utils import set_seed

    set_seed(3)
    accelerator = Accelerator(cpu=True)
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.AdamW(model.parameters())
    data = torch.utils.data.DataLoader(torch.randn(8, 4), batch_size=4, shuffle=True)
    model, optimizer, data = accelerator.prepare(model, optimizer, data)
    for x in data:
        optimizer.zero_grad()
        accelerator.backward(model(x).pow(2).mean())
        optimizer.step()
"""


def write(folder: Path, **sources: str) -> None:
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(source).lstrip())


def causes(report: RunReport) -> list[tuple[str, bool, str | None]]:
    return [(cause.factor, cause.proven, cause.location) for cause in report.causes]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_shell_script_of_several_programs(folder: Path) -> None:
    write(
        folder,
        prepare="import random\nprint(random.Random(1).random())\n",
        train="import random\nrandom.seed()\nprint('loss', random.random())\n",
    )
    (folder / "train.sh").write_text("set -e\npython prepare.py\npython train.py --epochs 1\n")
    report = reprotest.run("-- bash train.sh")
    assert causes(report) == [("python.random", True, "train.py:2")]


@pytest.mark.xdist_group("serial")
@pytest.mark.parametrize("seeded", [True, False], ids=["seeded", "unseeded"])
def test_the_ranks_of_torchrun(folder: Path, seeded: bool) -> None:
    write(folder, train=RANKS)
    words = ["--", "torchrun", "--standalone", "--nproc-per-node", "2", "train.py"]
    report = reprotest.run([*words, "--seeded"] if seeded else words)
    assert report.steps == 2, report
    assert {"rank0", "rank1"} <= open_record(folder / report.records[0]).streams.keys()
    if seeded:
        assert report.verdict is Verdict.IDENTICAL, report
    else:
        assert causes(report) == [("numpy.random", True, "train.py:11")]


@pytest.mark.skipif(importlib.util.find_spec("accelerate") is None, reason="accelerate is not installed")
def test_accelerate_launch(folder: Path) -> None:
    write(folder, train=ACCELERATED)
    report = reprotest.run("-- accelerate launch --cpu --num_processes 1 train.py")
    assert report.verdict is Verdict.IDENTICAL, report
    assert report.steps == 2
    assert {"init", "data", "loss", "backward", "update"} <= report.observed.keys()


@pytest.mark.skipif(shutil.which("nice") is None, reason="no nice here")
def test_a_program_that_becomes_another(folder: Path) -> None:
    write(folder, train="import uuid\nprint(sum(uuid.uuid4().bytes))\n")
    report = reprotest.run("-- nice -n 1 python train.py")
    assert causes(report) == [("os.entropy", True, "train.py:2")]
