"""Keras: the variables of its optimizers, and those of its models that are not trained (running statistics, seeds of dropout)."""

from __future__ import annotations

import functools
import weakref
from types import ModuleType
from typing import TYPE_CHECKING, Any

from reprotest.probe.resumption.moments import Moments

if TYPE_CHECKING:
    from reprotest.probe.child import Child

OPTIMIZER, BUFFERS = "keras.optimizer", "keras.buffers"
_PIECES = {OPTIMIZER: "optimizer", BUFFERS: "buffers"}


class Keras:
    """Models in the order in which they are first trained, each with its optimizer."""

    def __init__(self, child: Child, moments: Moments) -> None:
        self._child = child
        self._moments = moments
        self._models: list[weakref.ref[Any]] = []

    def install(self) -> None:
        self._child.on_import("keras.src.backend.tensorflow.trainer", self._observe)

    def _observe(self, module: ModuleType) -> None:
        kind: Any = module.TensorFlowTrainer
        for name in ("fit", "train_on_batch"):
            self._replace(kind, name)

    def _replace(self, kind: Any, name: str) -> None:
        original = getattr(kind, name)

        @functools.wraps(original)
        def called(model: Any, *args: Any, **kwargs: Any) -> Any:
            if self._moments.counts and all(known() is not model for known in self._models):
                self._models.append(weakref.ref(model))
                if self._child.step == 0 and self._moments.restore:
                    self._moments.guarded("Keras's variables", lambda: self._put(model, len(self._models) - 1))
            return original(model, *args, **kwargs)

        setattr(kind, name, called)

    def keep(self) -> None:
        """Copy the variables of all models."""
        models = [model for model in (known() for known in self._models) if model is not None]
        if models:
            self._moments.pieces |= {
                piece: [_values(_variables(model, piece)) for model in models] for piece in _PIECES
            }

    def _put(self, model: Any, number: int) -> None:
        for piece, detail in _PIECES.items():
            given = self._moments.given.get(piece)
            if not self._moments.wanted(detail) or not given or number >= len(given):
                continue
            if piece == OPTIMIZER and model.optimizer is not None and not model.optimizer.built:
                model.optimizer.build(model.trainable_variables)
            for variable, value in zip(_variables(model, piece), given[number], strict=False):
                if tuple(variable.shape) == tuple(value.shape):
                    variable.assign(value)


def _variables(model: Any, piece: str) -> list[Any]:
    if piece == BUFFERS:
        return list(model.non_trainable_variables)
    return [] if getattr(model, "optimizer", None) is None else list(model.optimizer.variables)


def _values(variables: list[Any]) -> list[Any]:
    import numpy

    return [numpy.array(variable) for variable in variables]
