"""What observing costs: a training step with the probe at each level against the bare step, and against torch's DebugMode with hashes.

All variants run in one process on the same model, in turns, with one thread, whose own processor time is taken: two threads that wait for
each other measure what else the machine does. A variant is put in place by exchanging what the probe replaces in PyTorch.
Run alone with the names of models to measure fewer: `python benchmarks/bench_overhead.py MLP`.
"""

from __future__ import annotations

import contextlib
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from _harness import Row, show
from _models import MODELS, Step
from torch import nn
from torch.optim import optimizer as torch_optimizer

from reprotest.probe import torch as probe
from reprotest.probe.child import Child
from reprotest.probe.plan import Plan

_LIMITS: dict[tuple[str, str], tuple[float | None, float | None]] = {
    ("MLP", "steps"): (3.0, 2.0),
    ("ResNet-18", "steps"): (1.0, 0.5),
    ("GPT", "steps"): (1.0, 0.5),
    ("GPT", "modules"): (3.0, 2.5),
    ("GPT", "operators"): (12.0, 6.0),
}
"""Model and level → must and aim, in per cent of the bare step."""
_ROUNDS = {"MLP": 61, "ResNet-18": 15, "GPT": 9}
_STEPS = {"MLP": 100, "ResNet-18": 1, "GPT": 1}
"""Steps of one variant in one round."""
_ALWAYS, _NEVER = (0, 1 << 40), (1 << 40, 1 << 41)
_SLOW = ("DebugMode",)
"""Takes many times as long as the rest, and a few rounds tell enough."""


def rows(models: list[str] | None = None) -> list[Row]:
    """Overheads in per cent, one row for each model and variant."""
    torch.set_num_threads(1)
    found = []
    for model in models or list(MODELS):
        torch.manual_seed(0)
        step = MODELS[model]()
        with tempfile.TemporaryDirectory() as folder:
            taken = _measure(_variants(step, Path(folder)), _STEPS[model], _ROUNDS[model])
        bare = taken.pop("bare")
        found.append(Row("overhead", f"{model}: bare step", 1e3 * statistics.median(bare), "ms"))
        for name, rounds in taken.items():
            percent = 100 * (statistics.median(a / b for a, b in zip(rounds, bare, strict=False)) - 1)
            must, aim = _LIMITS.get((model, name), (None, None))
            found.append(
                Row(
                    "overhead",
                    f"{model}: {name} level" if name not in _SLOW else f"{model}: {name}",
                    percent,
                    "%",
                    must,
                    aim,
                )
            )
    return found


Variant = Callable[[], contextlib.AbstractContextManager[Step]]


def _variants(step: Step, folder: Path) -> dict[str, Variant]:
    found: dict[str, Variant] = {"bare": lambda: contextlib.nullcontext(step)}
    for level in ("steps", "modules", "operators"):
        found[level] = _Probed(step, level, folder / level)
    if hasattr(torch.utils, "_debug_mode"):
        found["DebugMode"] = lambda: _debug_mode(step)
    return found


class _Probed:
    """The probe of one level, which can be put in place and taken away."""

    def __init__(self, step: Step, level: str, folder: Path) -> None:
        for part in ("streams", "values", "watch"):
            (folder / part).mkdir(parents=True)
        self._step = step
        self._finer = level != "steps"
        self._child = Child(Plan(str(folder), str(folder), level, _NEVER if self._finer else None))
        before = _replaced()
        hooks = (torch_optimizer._global_optimizer_pre_hooks, torch_optimizer._global_optimizer_post_hooks)
        for table in hooks:
            table.clear()
        probe.install(self._child, torch)
        self._hooks = [dict(table) for table in hooks]
        self._replaced = _replaced()
        for table in hooks:
            table.clear()
        _put_in_place(before)

    @contextlib.contextmanager
    def __call__(self) -> Iterator[Step]:
        before = _replaced()
        tables = (torch_optimizer._global_optimizer_pre_hooks, torch_optimizer._global_optimizer_post_hooks)
        for table, hooks in zip(tables, self._hooks, strict=True):
            table.update(hooks)
        _put_in_place(self._replaced)
        if self._finer:
            self._child.window = _ALWAYS
        self._step()  # the finer levels begin after it
        try:
            yield self._step
        finally:
            if self._finer:
                self._child.window = _NEVER
            self._step()
            for table in tables:
                table.clear()
            _put_in_place(before)


def _replaced() -> list[tuple[Any, str, Any]]:
    """What the probe replaces that a step uses."""
    places: list[tuple[Any, str]] = [
        (torch.Tensor, "backward"),
        (torch.autograd, "backward"),
        (torch.autograd, "grad"),
        (nn.Module, "__call__"),
    ]
    return [(owner, name, getattr(owner, name)) for owner, name in places]


def _put_in_place(replaced: list[tuple[Any, str, Any]]) -> None:
    for owner, name, value in replaced:
        setattr(owner, name, value)


@contextlib.contextmanager
def _debug_mode(step: Step) -> Iterator[Step]:
    from torch.utils._debug_mode import DebugMode

    with DebugMode() as mode, DebugMode.log_tensor_hashes():

        def fresh() -> None:
            mode.reset()  # it keeps every call
            step()

        yield fresh


def _measure(variants: dict[str, Variant], steps: int, rounds: int) -> dict[str, list[float]]:
    """Seconds a step: variant → one number a round."""
    taken: dict[str, list[float]] = {name: [] for name in variants}
    names = list(variants)
    for turn in range(-1, rounds):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            slow = name in _SLOW
            if slow and turn >= 5:
                continue
            with variants[name]() as step:
                step()
                count = max(1, steps // 10) if slow else steps
                gc.collect()
                gc.disable()
                begin = time.process_time()
                for _ in range(count):
                    step()
                seconds = (time.process_time() - begin) / count
                gc.enable()
            if turn >= 0:
                taken[name].append(seconds)
    return taken


if __name__ == "__main__":
    show(rows(sys.argv[1:]))
