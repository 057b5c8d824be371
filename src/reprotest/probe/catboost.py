"""CatBoost: models as they are after `fit`, predictions, cross-validation. Its classes are no scikit-learn estimators."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from reprotest.probe.calls import observe_calls
from reprotest.probe.leaves import extractor
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child

MODULE = "catboost"
_MEANT = {"class_params"}
"""Metadata that are part of the model: its classes."""


def install(child: Child, module: ModuleType) -> None:
    extractor("catboost", "CatBoost", lambda model: {"trees": trees(model)})
    for cls in (module.CatBoost, module.CatBoostClassifier, module.CatBoostRegressor, module.CatBoostRanker):
        if "fit" in cls.__dict__:
            observe_calls(child, cls, "fit", f"{cls.__name__}.fit", Phase.UPDATE)
        for name in ("predict", "predict_proba", "predict_log_proba"):
            if name in cls.__dict__:
                observe_calls(child, cls, name, f"{cls.__name__}.{name}", Phase.OUTPUT)
    observe_calls(child, module, "cv", "catboost.cv", Phase.UPDATE)


def trees(model: Any) -> bytes:
    """The serialised model without the rest of its metadata: a random id, the time, and settings with the number of threads and file names.

    Of a model that was not trained, its parameters.
    """
    if not model.is_fitted():
        return repr(sorted(model.get_params().items())).encode()
    bare = model.copy()
    metadata = bare.get_metadata()
    for key in set(metadata.keys()) - _MEANT:
        metadata[key] = ""
    return bytes(bare._serialize_model())
