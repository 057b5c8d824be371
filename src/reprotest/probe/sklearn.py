"""scikit-learn: what goes into `fit`, the fitted state, and what predictions, transforms and scores come out.

Works for every subclass of BaseEstimator, the user's and third parties' too. Only the outermost call of a thread is observed: what a
pipeline, a search or a forest does inside shows in its own state. Methods stay what they are for `inspect`, `pickle` and `clone`.
"""

from __future__ import annotations

import copy
import functools
import random
import sys
from collections.abc import Callable
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from reprotest.probe.calls import observe_calls, outermost, record
from reprotest.probe.leaves import extractor
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child

MODULE = "sklearn"

_FITS = ("fit", "partial_fit", "fit_transform", "fit_predict")
_OUTPUTS = (
    "predict", "predict_proba", "predict_log_proba", "decision_function", "transform", "inverse_transform", "score_samples", "kneighbors",
)  # fmt: skip
_METHODS = frozenset((*_FITS, *_OUTPUTS, "score"))
_child: Child | None = None


def install(child: Child, module: ModuleType) -> None:
    """Observe all estimator classes, those that exist and those to come."""
    global _child
    _child = child
    base = sys.modules["sklearn.base"]
    output = sys.modules.get("sklearn.utils._set_output")
    for cls in [base.BaseEstimator, getattr(output, "_SetOutputMixin", None)]:
        if cls is not None:
            _observe_subclasses(cls)
    for cls in [cls for cls in vars(base).values() if isinstance(cls, type) and cls.__module__ == base.__name__]:
        _observe_class(cls)
        _observe_known_subclasses(cls)
    extractor("sklearn", "BaseEstimator", fitted_state)
    child.on_import("sklearn.model_selection._split", _observe_split)


class Observed:
    """Stands in a class for one of its methods. Class access and pickling give the original, instances the observed method."""

    def __init__(self, original: Any, name: str) -> None:
        self.original = original
        self.name = name
        self.plain = isinstance(original, FunctionType)
        bind: Any = getattr(original, "__get__", None)

        @functools.wraps(original)
        def method(estimator: Any, /, *args: Any, **kwargs: Any) -> Any:
            return _call(estimator, name, bind(estimator, type(estimator)), args, kwargs)

        self.method = method

    def __get__(self, estimator: Any, owner: type | None = None) -> Any:
        if estimator is None:
            return self.original.__get__(None, owner)
        if not self.plain:
            self.original.__get__(estimator, owner)  # available_if raises AttributeError here
        return MethodType(self.method, estimator)

    def __reduce__(self) -> Any:
        return copy.copy, (self.original,)  # a class pickled by value must load where reprotest is not


def _observe_subclasses(cls: Any) -> None:
    """Observe each subclass right after it was created."""
    original = cls.__dict__.get("__init_subclass__")

    def __init_subclass__(sub: Any, /, **kwargs: Any) -> None:
        if original is not None:
            original.__get__(None, sub)(**kwargs)
        else:
            super(cls, sub).__init_subclass__(**kwargs)
        _observe_class(sub)

    cls.__init_subclass__ = classmethod(__init_subclass__)


def _observe_known_subclasses(cls: type) -> None:
    sub: type
    for sub in type.__subclasses__(cls):
        _observe_class(sub)
        _observe_known_subclasses(sub)


def _observe_class(cls: type) -> None:
    for name in _METHODS & cls.__dict__.keys():
        original = cls.__dict__[name]
        if not isinstance(original, (Observed, property, staticmethod, classmethod)) and hasattr(original, "__get__"):
            setattr(cls, name, Observed(original, name))


def _observe_split(module: ModuleType) -> None:
    """What train_test_split returns is data."""
    if _child is not None:
        original = module.train_test_split
        observe_calls(_child, module, "train_test_split", "split", Phase.DATA)
        package = sys.modules.get("sklearn.model_selection")
        if getattr(package, "train_test_split", None) is original:
            package.train_test_split = module.train_test_split  # type: ignore[union-attr]


# --- one call ---------------------------------------------------------------------------------------------------


def _call(estimator: Any, name: str, bound: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    child = _child
    with outermost() as mine:
        if not mine or child is None or not child.in_main_thread() or child.is_worker:
            return bound(*args, **kwargs)
        label = type(estimator).__name__
        if name in _FITS:
            for key, value in [*zip(("X", "y", "sample_weight"), args, strict=False), *kwargs.items()]:
                if not isinstance(value, (str, bytes, bool, int, float)):
                    record(child, f"{label}.fit({key})", Phase.DATA, value)
        result = bound(*args, **kwargs)
        if name in _FITS:
            record(child, label, Phase.UPDATE, estimator)
        if result is not estimator:
            record(child, f"{label}.{name}", Phase.METRIC if name == "score" else Phase.OUTPUT, result)
        if name == "partial_fit" and "torch" not in sys.modules:
            child.end_step()
        else:
            child.commit()
        return result


# --- fitted state -----------------------------------------------------------------------------------------------


def fitted_state(estimator: Any) -> dict[str, Any]:
    """What `fit` learned: attributes that end in "_", as scikit-learn spells them; without any, all but parameters and private ones.

    Private attributes are left out because they hold drawn seeds and caches that need not matter; predictions show those that do.
    """
    state = {
        name: value for name, value in vars(estimator).items() if not name.startswith("_") and not _is_random(value)
    }
    learned = {name: value for name, value in state.items() if name.endswith("_")}
    booster = vars(estimator).get("_Booster")  # LightGBM and XGBoost agree on the name
    if booster is not None:
        learned["booster"] = booster
    if learned:
        return learned
    try:
        parameters = set(estimator.get_params(deep=False))
    except Exception:  # a constructor that breaks scikit-learn's rules
        parameters = set()
    return {name: value for name, value in state.items() if name not in parameters or _holds_estimators(value)}


def _holds_estimators(value: Any) -> bool:
    """A parameter that is fitted in place, such as the steps of a pipeline."""
    if isinstance(value, (list, tuple)):
        return any(_holds_estimators(part) for part in value)
    return hasattr(value, "fit") and not isinstance(value, type)


def _is_random(value: Any) -> bool:
    return isinstance(value, random.Random) or type(value).__module__.startswith("numpy.random")
