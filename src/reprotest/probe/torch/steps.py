"""Optimizer steps: gradients before, parameters and buffers after. A step's end is a frame's end.

Several optimizers: each step of each is a frame; the step counter follows the one that has stepped most. One that is made later takes
over from where the others are.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import optimizer as torch_optimizer

from reprotest.probe.lines import LineTracer
from reprotest.probe.torch.events import Table, keeps_values, put
from reprotest.probe.torch.held import Held
from reprotest.probe.torch.initial import InitialState, parameters_of
from reprotest.probe.torch.names import Names
from reprotest.probe.torch.optimizers import Tracked
from reprotest.probe.torch.ordinary import Lane
from reprotest.probe.torch.states import EVERY, put_random_states, states_are_due
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child
    from reprotest.probe.event_stream import EventStream
    from reprotest.probe.torch.finer import Finer

_is_compiling = torch.compiler.is_compiling


class OptimizerSteps:
    """Observes every `torch.optim.Optimizer` through the global step hooks."""

    def __init__(self, child: Child, names: Names, initial: InitialState, finer: Finer) -> None:
        self._child = child
        self._names = names
        self._initial = initial
        self._finer = finer
        self._tracked: dict[int, Tracked] = {}
        self._optimizers: list[weakref.ref[Any]] = []
        self.lane = Lane(child)
        self.here = Held(child, self.lane)
        self.constructed = 0

    def install(self) -> None:
        before, after, constructed, here, lane = self._before, self._after, self._constructed, self.here, self.lane
        ready = lane.ready

        # A compiler that traces a step folds the hooks away; what it makes of the step is observed from outside.
        def pre_hook(optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if _is_compiling():
                return
            one = ready.get(id(optimizer))
            if (
                one is not None
                and len(args) == 1
                and not kwargs
                and here.stepping is None
                and lane.begin(one, optimizer)
            ):
                here.stepping = optimizer
                return
            if one is not None:
                one.gradients = None
            before(optimizer, args, kwargs)

        def post_hook(optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if _is_compiling():
                return
            one = ready.get(id(optimizer))
            if one is not None and one.gradients is not None and here.stepping is optimizer:
                seen = lane.end(one)
                if not seen:
                    here.stepping = None
                    return
                here.held += seen
                here.closure = False
            after(optimizer)

        torch_optimizer.register_optimizer_step_pre_hook(pre_hook)
        torch_optimizer.register_optimizer_step_post_hook(post_hook)
        original = torch_optimizer.Optimizer.__init__

        @functools.wraps(original)
        def __init__(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            original(optimizer, *args, **kwargs)
            if not _is_compiling():
                constructed(optimizer)

        torch_optimizer.Optimizer.__init__ = __init__  # type: ignore[method-assign, assignment]
        self._observe_compiled()
        self._child.at_exit(self.here.release)
        self._child.releases.append(self.here.release)

    def _observe_compiled(self) -> None:
        """A compiled function may contain steps, which no hook sees: they show in the parameters' version counters."""
        original: Any = torch.compile
        call = self._call_compiled

        @functools.wraps(original)
        def observed_compile(model: Any = None, *args: Any, **kwargs: Any) -> Any:
            compiled = original(model, *args, **kwargs)
            if model is None or isinstance(model, (nn.Module, type)) or not callable(compiled) or _is_compiling():
                return compiled

            @functools.wraps(compiled)
            def observed(*args: Any, **kwargs: Any) -> Any:
                if _is_compiling():
                    return compiled(*args, **kwargs)
                return call(compiled, args, kwargs)

            return observed

        torch.compile = observed_compile

    def _call_compiled(self, compiled: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        optimizers = [optimizer for optimizer in (ref() for ref in self._optimizers) if optimizer is not None]
        if not optimizers:
            return compiled(*args, **kwargs)
        if self._initial.due:
            self.here.release()
            self._initial.look("step")
        marks = [(optimizer, _version(optimizer), self._steps_of(optimizer)) for optimizer in optimizers]
        result = compiled(*args, **kwargs)
        for optimizer, version, steps in marks:
            if _version(optimizer) != version and self._steps_of(optimizer) == steps and not self.is_stepping:
                self._before(optimizer, (optimizer, None), {})
                self._after(optimizer)
        return result

    def _steps_of(self, optimizer: Any) -> int:
        tracked = self._tracked.get(id(optimizer))
        return tracked.steps if tracked is not None else 0

    @property
    def is_stepping(self) -> bool:
        """Is an optimizer stepping in this thread?"""
        return self.here.stepping is not None

    def _constructed(self, optimizer: Any) -> None:
        self.constructed += 1
        try:
            self._optimizers = [ref for ref in self._optimizers if ref() is not None]
            self._optimizers.append(weakref.ref(optimizer))
            if self._child.stream_here() is not None:
                self.here.held += self.lane.leave()
                self._initial.constructed(optimizer)
        except Exception as error:
            self._child.note(f"{type(optimizer).__name__}'s parameters could not be looked at: {error!r}")

    def _before(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        here = self.here
        if here.stepping is not None and here.stepping is not optimizer and _steps_on_stack() > 1:
            return  # an optimizer that wraps another: its step contains this one
        if here.stepping is optimizer:
            here.forget_gradients()  # of a step that an exception cut short
        here.stepping = optimizer
        here.closure = len(args) > 1 or (bool(kwargs) and kwargs.get("closure") is not None)
        try:
            here.collect()
            stream = self._child.stream_here()
            if stream is None:
                return
            tracked = self._tracked.get(id(optimizer))
            if tracked is None or not tracked.is_current(optimizer):
                tracked = self._track(optimizer, tracked, stream.step)
            tracked.check_sizes()
            if self._initial.due:
                self.here.release()
                self._initial.look("step")
            if tracked.steps == 0:
                self._initial.trained(tracked.parameters)
            if not here.closure:
                self._gradients(stream, tracked)
        except Exception as error:
            self._child.note(f"gradients of {type(optimizer).__name__} could not be observed: {error!r}")

    def _after(self, optimizer: Any) -> None:
        here = self.here
        if here.stepping is not optimizer:
            return
        here.stepping = None
        child = self._child
        try:
            stream = child.stream_here()
            tracked = self._tracked.get(id(optimizer))
            if stream is None or tracked is None:
                return
            step = stream.step
            if here.closure:  # it computed the gradients itself, perhaps several times; these are the last ones
                self._gradients(stream, tracked)
            self._values(stream, tracked)
            tracked.steps += 1
            here.release()
            if states_are_due(step):
                put_random_states(child)
        except OSError as error:
            child._stop_recording(error)
            return
        except Exception as error:
            child.note(f"a step of {type(optimizer).__name__} could not be observed: {error!r}")
            return
        if child.level == "lines":
            LineTracer.write(child)
        if tracked.is_ahead(step):
            child.end_step()
        else:
            child.commit()
        self._finer.update()
        self._plan_next(stream, tracked, optimizer)

    def _plan_next(self, stream: EventStream, tracked: Tracked, optimizer: Any) -> None:
        """May the next step of this optimizer take the short way, and until when?"""
        child, step = self._child, stream.step
        until = step - step % EVERY + EVERY  # then sketches, and sometimes random states, are due
        if child.window is not None and step <= child.window[1]:
            until = min(until, child.window[0])
        until = min([until, *(at for at in child.plan.keep if at >= step)])
        if child.plan.stop_after_step is not None:
            until = min(until, child.plan.stop_after_step)
        ordinary = step >= 4 and step % EVERY and not (tracked.large or tracked.has_none or self._initial.due)
        if ordinary and step < until and child.level != "lines" and not tracked.buffers:
            self.lane.enter(optimizer, tracked, stream, until)

    def _track(self, optimizer: Any, before: Tracked | None, step: int) -> Tracked:
        parameters = parameters_of(optimizer)
        if before is None:
            self.constructed = max(1, self.constructed)  # unpickled, perhaps
            self._initial.used(optimizer)
        elif any(self._names.tensor(tensor) is None for tensor in parameters):
            self._names.learn(parameters)
        names = [self._initial.name(tensor) for tensor in parameters]
        tracked = Tracked(optimizer, names, self._names.buffers_beside(parameters))
        if before is not None:
            tracked.steps, tracked.before = before.steps, before.before
        else:
            tracked.before = step
            weakref.finalize(optimizer, self._tracked.pop, id(optimizer), None).atexit = False
        self._tracked[id(optimizer)] = tracked
        return tracked

    # --- the hot path -------------------------------------------------------------------------------------------

    def _gradients(self, stream: EventStream, tracked: Tracked) -> None:
        if self._child.level == "lines":
            return
        gradients = [tensor.grad for tensor in tracked.parameters]
        if keeps_values(self._child, stream):
            self._put_all(Phase.BACKWARD, tracked.names, gradients)
            return
        sketch = _sketches(stream, tracked)
        packed = None if tracked.has_none else tracked.gradients.digest(gradients, sketch=sketch)
        if packed is None:
            table, there = tracked.present(gradients)
            packed = table.digest(there, sketch=sketch) or table.digest_some(there)
        self.here.held.append(packed)

    def _values(self, stream: EventStream, tracked: Tracked) -> None:
        if self._child.level == "lines":
            return
        buffers = [of.get(name) for of, name in tracked.buffers]
        if keeps_values(self._child, stream):
            self._put_all(Phase.UPDATE, tracked.names, tracked.parameters)
            self._put_all(Phase.UPDATE, tracked.buffer_names, buffers)
            return
        sketch = _sketches(stream, tracked)
        held, table = self.here.held, tracked.values
        held.append(table.digest(tracked.parameters, sketch=sketch) or table.digest_some(tracked.parameters))
        if buffers:
            table = tracked.buffer_values
            if tracked.steps and not table.has_sizes(buffers):
                table = tracked.buffer_values = Table(Phase.UPDATE, tracked.buffer_names)
            held.append(table.digest(buffers, sketch=sketch) or table.digest_some(buffers))

    def _put_all(self, phase: Phase, names: list[str], tensors: Sequence[Tensor | None]) -> None:
        for name, tensor in zip(names, tensors, strict=True):
            if tensor is not None:
                put(self._child, name, phase, tensor)


def _sketches(stream: EventStream, tracked: Tracked) -> bool:
    """Sketches of small models cost as much as their digests: now and then is enough, at the same steps in every run."""
    return tracked.large or stream.step < 4 or stream.step % EVERY == 0


def _version(optimizer: Any) -> int:
    """Changes when the first parameter is changed."""
    parameters = parameters_of(optimizer)
    return parameters[0]._version if parameters else 0


def _steps_on_stack() -> int:
    frame: FrameType | None = sys._getframe(1)
    count = 0
    while frame is not None:
        code = frame.f_code
        count += code.co_name == "wrapper" and code.co_filename == torch_optimizer.__file__
        frame = frame.f_back
    return count
