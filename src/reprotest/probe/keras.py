"""Keras: loss and weights after every batch, in `fit`, `train_on_batch` and, on TensorFlow, loops of the user's own.

On TensorFlow a step is a call after which an optimizer's count of iterations is another: of `optimizer.apply` where it runs eagerly, else of
the outermost `tf.function`, inside of which the weights change unseen. On JAX it is a call of the trainer's own function. On PyTorch
the probe of PyTorch sees all that there is. Nothing is added to what is traced.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from reprotest.probe.calls import observe_calls, outermost, record
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child

MODULE = "keras.src.optimizers.base_optimizer"


def install(child: Child, module: ModuleType) -> None:
    """Observe every Keras optimizer, and every `tf.function` that lets one step."""
    steps = _Steps(child)
    steps.observe_optimizers(module.BaseOptimizer)
    child.on_import("tensorflow.python.eager.polymorphic_function.polymorphic_function", steps.observe_functions)
    child.on_import("keras.src.backend.tensorflow.trainer", steps.observe_trainer)
    child.on_import("keras.src.backend.jax.trainer", steps.observe_jax_trainer)


class _Steps:
    def __init__(self, child: Child) -> None:
        self._child = child
        self._optimizers: list[weakref.ref[Any]] = []
        self._models: weakref.WeakSet[Any] = weakref.WeakSet()
        self._known: set[int] = set()
        self._training: weakref.WeakSet[Any] = weakref.WeakSet()

    # --- doors --------------------------------------------------------------------------------------------------

    def observe_optimizers(self, kind: Any) -> None:
        init, apply = kind.__init__, kind.apply

        @functools.wraps(init)
        def __init__(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            init(optimizer, *args, **kwargs)
            self._optimizers.append(weakref.ref(optimizer))

        @functools.wraps(apply)
        def observed_apply(optimizer: Any, grads: Any, trainable_variables: Any = None) -> Any:
            with outermost() as mine:
                if not (mine and self._watched() and _eager()):
                    return apply(optimizer, grads, trainable_variables)
                gradients, variables = list(grads), trainable_variables
                if variables is not None:
                    variables = list(variables)
                known = variables if variables is not None else optimizer._trainable_variables
                self._initial(known)
                for variable, gradient in zip(known, gradients, strict=False):
                    if gradient is not None:
                        self._put(self._name(variable), Phase.BACKWARD, gradient)
                result = apply(optimizer, gradients, variables)
                self._values(optimizer)
                return result

        kind.__init__, kind.apply = __init__, observed_apply

    def observe_functions(self, module: Any) -> None:
        call = module.Function.__call__

        @functools.wraps(call)
        def __call__(function: Any, *args: Any, **kwargs: Any) -> Any:
            with outermost() as mine:
                if not (mine and self._watched() and _eager()):
                    return call(function, *args, **kwargs)
                before = {id(o): (o, _iterations(o)) for o in self._live()}
                for optimizer, _ in before.values():
                    if optimizer.built:
                        self._initial(optimizer._trainable_variables)
                if function in self._training:
                    _record_arrays(self._child, args, kwargs)
                result = call(function, *args, **kwargs)
                stepped = [o for o in self._live() if _iterations(o) != before.get(id(o), (o, 0))[1]]
                if stepped:
                    self._training.add(function)
                    self._loss(result)
                    for optimizer in stepped[1:]:
                        self._update(optimizer)
                    self._values(stepped[0])
                return result

        module.Function.__call__ = __call__

    def observe_trainer(self, module: Any) -> None:
        self._observe_methods(module.TensorFlowTrainer)

    def observe_jax_trainer(self, module: Any) -> None:
        kind = module.JAXTrainer
        self._observe_methods(kind)
        make = kind.make_train_function

        @functools.wraps(make)
        def make_train_function(model: Any, force: bool = False) -> None:
            made = model.train_function
            make(model, force)
            if model.train_function is not made:
                model.train_function = self._observed_step(model, model.train_function)

        kind.make_train_function = make_train_function

    def _observed_step(self, model: Any, step: Any) -> Any:
        @functools.wraps(step)
        def observed(state: Any, batches: Any) -> Any:
            if not self._watched():
                return step(state, batches)
            self._guarded(self._initial, model.trainable_variables, state[0])
            result = step(state, self._observed_batches(batches))
            self._guarded(self._stepped, model, *result)
            return result

        return observed

    def _stepped(self, model: Any, logs: Any, state: Any) -> None:
        """The step is complete. `state`: values of the trained variables and of the others, then the optimizer's and the metrics'."""
        self._loss(logs)
        for variables, values in zip((model.trainable_variables, model.non_trainable_variables), state, strict=False):
            for variable, value in zip(variables, values, strict=False):
                self._put(self._name(variable), Phase.UPDATE, value)
        self._child.end_step()

    def _guarded(self, observe: Any, *given: Any) -> None:
        try:
            observe(*given)
        except Exception as error:
            self._child.note(f"a step of Keras could not be observed: {error!r}")

    def _observed_batches(self, batches: Any) -> Iterator[Any]:
        for batch in batches:
            _record_arrays(self._child, (batch,), {})
            yield batch

    def _observe_methods(self, kind: Any) -> None:
        for name, parts in (("fit", ("x", "y")), ("train_on_batch", ("x", "y"))):
            self._observe_input(kind, name, parts)
        observe_calls(self._child, kind, "evaluate", "Model.evaluate", Phase.METRIC)
        observe_calls(self._child, kind, "predict", "Model.predict", Phase.OUTPUT)

    def _observe_input(self, kind: Any, name: str, parts: tuple[str, ...]) -> None:
        original = getattr(kind, name)

        @functools.wraps(original)
        def called(model: Any, *args: Any, **kwargs: Any) -> Any:
            if self._watched():
                self._models.add(model)
                if getattr(model, "built", False):
                    self._initial(model.variables)
                given = {**dict(zip(parts, args, strict=False)), **{k: v for k, v in kwargs.items() if k in parts}}
                for part, value in given.items():
                    _record_arrays(self._child, (value,), {}, f"Model.{name}({part})")
            return original(model, *args, **kwargs)

        setattr(kind, name, called)

    # --- events -------------------------------------------------------------------------------------------------

    def _watched(self) -> bool:
        return self._child.in_main_thread() and not self._child.is_worker and self._child.level != "lines"

    def _live(self) -> list[Any]:
        return [optimizer for optimizer in (ref() for ref in self._optimizers) if optimizer is not None]

    def _put(self, name: str, phase: Phase, value: Any) -> None:
        try:
            self._child.observe(name, phase, _array(value))
        except Exception as error:
            self._child.note(f"{name} could not be observed: {error!r}")

    def _name(self, variable: Any) -> str:
        """Its path without the model's own name, which a model that was loaded from a file does not put there."""
        path = str(getattr(variable, "path", None) or getattr(variable, "name", "variable"))
        first, _, rest = path.partition("/")
        return rest if rest and any(getattr(model, "name", None) == first for model in self._models) else path

    def _initial(self, variables: Any, values: Any = None) -> None:
        """Variables that are new. `values`: what they hold, where they do not say so themselves."""
        for variable, value in zip(variables, variables if values is None else values, strict=False):
            if id(variable) not in self._known:
                self._known.add(id(variable))
                self._put(self._name(variable), Phase.INIT, value)

    def _loss(self, result: Any) -> None:
        """What the function returned: a loss, or Keras's running metrics."""
        record(self._child, "loss", Phase.LOSS, result)

    def _update(self, optimizer: Any) -> None:
        for variable in optimizer._trainable_variables:
            self._put(self._name(variable), Phase.UPDATE, variable)
            self._known.add(id(variable))

    def _values(self, optimizer: Any) -> None:
        """The step is complete."""
        self._update(optimizer)
        for model in list(self._models):
            if getattr(model, "optimizer", None) is optimizer:
                for variable in model.non_trainable_variables:
                    self._put(self._name(variable), Phase.UPDATE, variable)
        self._child.end_step()


def _record_arrays(child: Child, args: tuple[Any, ...], kwargs: dict[str, Any], name: str = "batch") -> None:
    """Inputs that are arrays or tensors; datasets and iterators give theirs away inside."""
    tensorflow, numpy = sys.modules.get("tensorflow"), sys.modules.get("numpy")
    kinds = (getattr(tensorflow, "Tensor", ()), getattr(numpy, "ndarray", ()))
    for index, value in enumerate([*args, *kwargs.values()]):
        if isinstance(value, kinds) or (isinstance(value, (list, tuple, dict)) and value):
            record(child, name if len(args) + len(kwargs) == 1 else f"{name}[{index}]", Phase.DATA, value)


def _eager() -> bool:
    """Does Keras compute on TensorFlow, and is nothing being traced?"""
    config: Any = sys.modules.get("keras.src.backend.config")
    if config is None or config.backend() != "tensorflow":
        return False
    tensorflow = sys.modules.get("tensorflow")
    try:
        return tensorflow is not None and bool(tensorflow.executing_eagerly())
    except AttributeError:  # it is still being imported
        return False


def _iterations(optimizer: Any) -> int:
    try:
        return int(_array(optimizer.iterations)) if optimizer.built else 0
    except Exception:  # made inside of a function that is being traced
        return 0


def _array(value: Any) -> Any:
    value = getattr(value, "value", value) if type(value).__module__.startswith("keras") else value
    return value.numpy() if hasattr(value, "numpy") else value
