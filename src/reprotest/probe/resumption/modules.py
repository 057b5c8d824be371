"""Buffers (running statistics and the like) as the step finds them, and the gradient scaler."""

from __future__ import annotations

import functools
from typing import Any

import torch

from reprotest.probe.resumption.moments import Moments
from reprotest.probe.resumption.optimizers import Optimizers
from reprotest.probe.torch.names import Names

BUFFERS, SCALER = "buffers", "scaler"


class Modules:
    """Takes and puts back what modules and scalers hold beside the parameters."""

    def __init__(self, moments: Moments, optimizers: Optimizers) -> None:
        self._moments = moments
        self._optimizers = optimizers
        self._names = Names()
        self._scaled = False

    def install(self) -> None:
        moments = self._moments
        moments.listen("buffers", lambda moment: self._buffers())
        scaler = torch.amp.GradScaler
        original = scaler.scale

        @functools.wraps(original)
        def scale(own: Any, outputs: Any) -> Any:
            if moments.here and not self._scaled:
                self._scaled = True
                moments.guarded("the gradient scaler", lambda: self._scaler(own))
            return original(own, outputs)

        scaler.scale = scale  # type: ignore[method-assign, assignment]

    def known(self) -> set[int]:
        """Ids of the tensors that are observed as parameters, gradients or buffers."""
        parameters = self._optimizers.parameters()
        self._names.learn(parameters)
        tensors = [
            *parameters,
            *(p.grad for p in parameters),
            *(b.of.get(b.key) for b in self._names.buffers_beside(parameters)),
        ]
        return {id(tensor) for tensor in tensors}

    def _buffers(self) -> None:
        moments, parameters = self._moments, self._optimizers.parameters()
        self._names.learn(parameters)
        buffers = {buffer.name: buffer for buffer in self._names.buffers_beside(parameters)}
        tensors = {name: buffer.of.get(buffer.key) for name, buffer in buffers.items()}
        moments.pieces[BUFFERS] = {name: t.detach().clone() for name, t in tensors.items() if t is not None}
        if not moments.wanted(BUFFERS):
            return
        for name, value in moments.given.get(BUFFERS, {}).items():
            tensor = tensors.get(name)
            if tensor is None:
                continue
            if tensor.shape == value.shape:
                with torch.no_grad():
                    tensor.copy_(value)
            else:
                buffers[name].of[buffers[name].key] = value

    def _scaler(self, scaler: Any) -> None:
        self._moments.pieces[SCALER] = scaler.state_dict()
        given = self._moments.given.get(SCALER)
        if self._moments.wanted(SCALER) and given:
            scaler.load_state_dict(given)
