"""Which pieces differ at the resumption, and the full run's data in the terms of the resumed run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from reprotest.probe.resumption import kept
from reprotest.resume.pieces import Pieces, data_for, differing, idle


def pieces(tmp_path: Path, pieces: dict[str, Any] | None = None, log: dict[str, Any] | None = None) -> Pieces:
    run = tmp_path / str(len(list(tmp_path.iterdir())))
    run.mkdir()
    kept.write(kept.folder_of(run), "main.pieces", pieces or {})
    kept.write(kept.folder_of(run), "main.log", log or {})
    return Pieces(run, "main")


def states(torch_state: int, numpy_state: int = 0) -> dict[str, Any]:
    return {"torch.random": {"global": torch.tensor([torch_state])}, "numpy.random": {"global": numpy_state}}


def log(
    steps: list[list[int]], *batches: list[Any], ended: bool = True, schedule: tuple[Any, ...] = ()
) -> dict[str, Any]:
    return {
        "steps": steps,
        "passes": [{"batches": each, "ended": ended} for each in batches],
        "schedule": [{"optimizer": 0, "step": step, "groups": [{"lr": lr}]} for step, lr in schedule],
    }


def test_equal_pieces_are_out_of_the_question(tmp_path: Path) -> None:
    full = pieces(tmp_path, {"batch": states(1), "optimizer": [1.0], "buffers": {"mean": torch.ones(2)}})
    second = pieces(tmp_path, {"batch": states(2), "optimizer": [1.0], "buffers": {"mean": torch.zeros(2)}})
    assert differing(full, second, 4) == {"buffers": "mean", "torch.random": "global"}


def test_beside_a_loader_the_moment_of_loading_does_not_count(tmp_path: Path) -> None:
    full = pieces(tmp_path, {"load": states(1), "iterator": states(3), "batch": states(5)})
    second = pieces(tmp_path, {"load": states(9), "iterator": states(3), "batch": states(5)})
    assert differing(full, second, 4) == {}
    assert differing(pieces(tmp_path, {"load": states(1)}), pieces(tmp_path, {"load": states(9)}), 4) == {
        "torch.random": "global"
    }


def test_a_schedule_is_what_each_step_uses(tmp_path: Path) -> None:
    full = pieces(tmp_path, log=log([], schedule=((0, 0.4), (2, 0.2), (5, 0.1))))
    same = pieces(tmp_path, log=log([], schedule=((0, 0.2), (1, 0.1))))
    late = pieces(tmp_path, log=log([], schedule=((0, 0.2), (2, 0.1))))
    assert differing(full, same, 4) == {}
    assert differing(full, late, 4) == {"scheduler": ""}


def test_variables_that_an_object_of_the_resumed_run_lacks_differ_too(tmp_path: Path) -> None:
    full = pieces(tmp_path, {"held": {"net.hidden": torch.ones(2), "net.scale": 0.5, "gone.step": 3, "lr": 0.1}})
    second = pieces(tmp_path, {"held": {"net.hidden": torch.zeros(2), "lr": 0.1}, "holders": ["net"]})
    assert differing(full, second, 4) == {"held:scheduler": "net.scale", "held:buffers": "net.hidden"}


FULL = log([[0, 0, 1], [1, 0, 2], [2, 1, 1], [3, 1, 2]], [[1], [2]], [[3], [4]])


def test_the_same_samples_in_other_passes_are_the_same_position(tmp_path: Path) -> None:
    replayed = log([[0, 0, 1], [1, 0, 2]], [[3], [4]])
    skipping = log([[0, 0, 2]], [[3], [4]])
    assert differing(pieces(tmp_path, log=FULL), pieces(tmp_path, log=replayed), 2) == {}
    assert differing(pieces(tmp_path, log=FULL), pieces(tmp_path, log=skipping), 3) == {}
    assert differing(pieces(tmp_path, log=FULL), pieces(tmp_path, log=replayed), 3) == {"data.position": ""}


def test_the_full_runs_batches_in_the_terms_of_the_resumed_run() -> None:
    second = log([[0, 0, 1], [1, 0, 2], [2, 2, 1]], [[8], [9]], [], [[8]])
    passes = data_for(FULL, second, 1)["passes"]
    assert passes["0"] == {"offset": 1, "batches": [[1], [2]], "ended": True, "any": True}
    assert passes["2"] == {"offset": 0, "batches": [[3], [4]], "ended": True, "any": True}
    assert data_for(FULL, second, 2)["passes"]["2"] == {"offset": 0, "batches": [], "ended": True, "any": False}


def test_a_generator_whose_state_never_changed_is_idle(tmp_path: Path) -> None:
    full = pieces(tmp_path, {"start": states(1, 7), "load": states(2, 7), "batch": states(3, 7)})
    assert idle(full) == {"numpy.random"}
