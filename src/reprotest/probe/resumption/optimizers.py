"""The state of the optimizers at the step, and the hyperparameters (learning rate, momentum, …) of every step."""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch.optim import optimizer as torch_optimizer

from reprotest.probe.resumption.moments import Moments

if TYPE_CHECKING:
    from reprotest.probe.child import Child

STATE = "optimizer"
SCHEDULE = "scheduler"


class Optimizers:
    """Optimizers in the order in which the program makes them.

    The schedule is kept as what it comes to: the hyperparameters that each step used. So it does not matter whether a scheduler of
    PyTorch's, a library's or a line of the program's own sets them.
    """

    def __init__(self, child: Child, moments: Moments) -> None:
        self._child = child
        self._moments = moments
        self._all: list[weakref.ref[Any]] = []
        self._schedule: list[dict[str, Any]] = []
        self._last: dict[int, Any] = {}
        self._done = False

    def install(self) -> None:
        original = torch_optimizer.Optimizer.__init__

        @functools.wraps(original)
        def __init__(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            original(optimizer, *args, **kwargs)
            self._all.append(weakref.ref(optimizer))

        torch_optimizer.Optimizer.__init__ = __init__  # type: ignore[method-assign, assignment]
        moments = self._moments

        def before(optimizer: Any, args: Any, kwargs: Any) -> None:
            if moments.counts:
                moments.guarded("the optimizer", lambda: self._before(optimizer))

        def after(optimizer: Any, args: Any, kwargs: Any) -> None:
            # The step before the resumption has just ended; at step 0, `load` is the moment after a load_state_dict.
            if moments.at and moments.here:
                moments.reached("load")

        torch_optimizer.register_optimizer_step_pre_hook(before)
        torch_optimizer.register_optimizer_step_post_hook(after)
        for owner, name in (
            (torch.nn.Module, "load_state_dict"), (torch_optimizer.Optimizer, "load_state_dict"), (torch, "load"),
        ):  # fmt: skip
            self._observe_load(owner, name)

    @property
    def live(self) -> list[Any]:
        return [optimizer for optimizer in (ref() for ref in self._all) if optimizer is not None]

    def parameters(self) -> list[torch.Tensor]:
        return [p for optimizer in self.live for group in optimizer.param_groups for p in group["params"]]

    def _observe_load(self, owner: Any, name: str) -> None:
        original = getattr(owner, name)
        moments = self._moments

        @functools.wraps(original)
        def loading(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            if moments.at == 0 and moments.here and moments.loaded():
                moments.reached("load")
            return result

        setattr(owner, name, loading)

    def _before(self, optimizer: Any) -> None:
        moments, live = self._moments, self.live
        number = next((n for n, known in enumerate(live) if known is optimizer), None)
        if number is None:
            return
        if moments.at and self._child.step == 0 and "start" not in moments.pieces:
            moments.reached("start")
        if moments.here and not self._done:
            self._done = True
            moments.pieces[STATE] = [_state_of(each) for each in live]
            if moments.wanted(STATE):
                for each, given in zip(live, moments.given.get(STATE, ()), strict=False):
                    _put_state(each, given)
        if moments.wanted(SCHEDULE):
            self._follow_schedule(optimizer, number)
        values = [_hyperparameters(group) for group in optimizer.param_groups]
        if self._last.get(number) != values:
            self._last[number] = values
            self._schedule.append({"optimizer": number, "step": self._child.step, "groups": values})
            moments.log["schedule"] = self._schedule

    def _follow_schedule(self, optimizer: Any, number: int) -> None:
        """Use the hyperparameters that the full run used at this step."""
        step = self._child.step
        entries = [e for e in self._moments.given.get("schedule", ()) if e["optimizer"] == number and e["step"] <= step]
        if entries:
            _put_hyperparameters(optimizer, max(entries, key=lambda e: int(e["step"]))["groups"])


def _hyperparameters(group: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a group; `initial_lr` and the like are a scheduler's notes to itself."""
    found = {}
    for key, value in group.items():
        if key == "params" or key.startswith("initial_"):
            continue
        if isinstance(value, torch.Tensor):
            value = value.item() if value.numel() == 1 else None
        if isinstance(value, tuple) and all(isinstance(item, (int, float)) for item in value):
            value = list(value)
        if isinstance(value, (bool, int, float, list)):
            found[key] = value
    return found


def _put_hyperparameters(optimizer: Any, groups: list[dict[str, Any]]) -> None:
    for group, values in zip(optimizer.param_groups, groups, strict=False):
        for key, value in values.items():
            if isinstance(group.get(key), torch.Tensor):
                group[key].fill_(value)
            elif key in group:
                group[key] = tuple(value) if isinstance(value, list) else value


def _state_of(optimizer: Any) -> dict[str, Any]:
    state = [
        [_copied(dict(optimizer.state[p])) if p in optimizer.state else None for p in group["params"]]
        for group in optimizer.param_groups
    ]
    return {"state": state, "groups": [_hyperparameters(group) for group in optimizer.param_groups]}


def _put_state(optimizer: Any, given: dict[str, Any]) -> None:
    for group, states in zip(optimizer.param_groups, given["state"], strict=False):
        for parameter, state in zip(group["params"], states, strict=False):
            if state is None:
                optimizer.state.pop(parameter, None)
            else:
                optimizer.state[parameter] = state
    _put_hyperparameters(optimizer, given["groups"])


def _copied(value: Any) -> Any:
    """Tensors change in place during the step."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_copied(item) for item in value)
    return value
