"""Stop and resume equals going straight through: plain PyTorch, Lightning, and the Trainer of transformers."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import reprotest

STEPS = 14
"""Of 5 batches an epoch."""


class Noisy(torch.utils.data.Dataset[Any]):
    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.full((4,), float(index)) + torch.rand(()) + random.random() + np.random.rand() + self.rng.random()


def train(
    steps: int, workers: int, resume: Path | None = None, save: Path | None = None, lost: bool = False
) -> torch.Tensor:
    """The weights after so many steps of a training with dropout, noise and a schedule, as anybody would write it."""
    reprotest.set_seed(7 if resume is None else 99, warn_only=True)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    loader = reprotest.dataloader(Noisy(), 4, shuffle=True, num_workers=workers, seed=7)
    mine = random.Random(3)
    step = 0
    if resume is not None:
        checkpoint = torch.load(resume, weights_only=True)
        for part, name in ((model, "model"), (optimizer, "optimizer"), (schedule, "schedule")):
            part.load_state_dict(checkpoint[name])
        step = checkpoint["step"]
        if not lost:
            reprotest.RNGState().load_state_dict(checkpoint["rng"]).restore(data=loader, generators={"mine": mine})
    while step < steps:
        for batch in loader:
            optimizer.zero_grad()
            scale = 1 + random.random() + np.random.rand() + mine.random()
            (model(batch) * scale).pow(2).mean().mul(1e-3).backward()
            optimizer.step()
            step += 1
            if step == steps:
                break
        else:
            schedule.step()
    if save is not None:
        state = reprotest.RNGState.capture(data=loader, generators={"mine": mine}).state_dict()
        parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
        torch.save({name: part.state_dict() for name, part in parts.items()} | {"step": step, "rng": state}, save)
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")  # resumed after an epoch's last batch
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stop", [3, 5, 12], ids=["first epoch", "epoch end", "third epoch"])
def test_plain_pytorch(tmp_path: Path, stop: int, workers: int) -> None:
    straight = train(STEPS, workers)
    train(stop, workers, save=tmp_path / "checkpoint.pt")
    assert torch.equal(train(STEPS, 2 - workers, resume=tmp_path / "checkpoint.pt"), straight)


def test_without_the_states_it_is_another_training(tmp_path: Path) -> None:
    """The test above can fail."""
    train(7, 0, save=tmp_path / "checkpoint.pt")
    straight = train(STEPS, 0)
    assert not torch.equal(train(STEPS, 0, resume=tmp_path / "checkpoint.pt", lost=True), straight)


@pytest.mark.slow
@pytest.mark.integration
def test_lightning(run_program: Any) -> None:
    pytest.importorskip("lightning")
    assert run_program("lightning_resume.py") == {
        "epoch end, plain loader, no callback": False,
        "epoch end, plain loader, callback": True,
        "within an epoch, our loader, no callback": False,
        "within an epoch, our loader, callback": True,
    }


@pytest.mark.slow
@pytest.mark.integration
def test_transformers_trainer(run_program: Any) -> None:
    pytest.importorskip("transformers")
    assert run_program("transformers_resume.py") == {
        "within an epoch, its own loader with workers": False,
        "within an epoch, our loader with workers": True,
        "epoch end, our loader with workers": True,
    }
