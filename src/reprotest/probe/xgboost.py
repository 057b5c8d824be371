"""XGBoost's own interface: boosters, predictions, cross-validation. Its scikit-learn classes are seen by the scikit-learn probe."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from reprotest.probe.calls import observe_calls
from reprotest.probe.leaves import extractor
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child

MODULE = "xgboost"


def install(child: Child, module: ModuleType) -> None:
    extractor("xgboost", "Booster", lambda booster: {"trees": trees(booster)})
    for name in ("train", "cv"):
        observe_calls(child, module, name, f"xgboost.{name}", Phase.UPDATE)
        observe_calls(child, module.training, name, f"xgboost.{name}", Phase.UPDATE)
    observe_calls(child, module.Booster, "predict", "Booster.predict", Phase.OUTPUT)


def trees(booster: Any) -> bytes:
    """The serialised model: trees and objective, without the training configuration (threads, devices)."""
    return bytes(booster.save_raw(raw_format="ubj"))
