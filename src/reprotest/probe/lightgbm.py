"""LightGBM's own interface: boosters as text, predictions, cross-validation. Its scikit-learn classes are seen by the scikit-learn probe."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from reprotest.probe.calls import observe_calls
from reprotest.probe.leaves import extractor
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child

MODULE = "lightgbm"


def install(child: Child, module: ModuleType) -> None:
    extractor("lightgbm", "Booster", lambda booster: {"trees": trees(booster)})
    for name in ("train", "cv"):
        observe_calls(child, module, name, f"lightgbm.{name}", Phase.UPDATE)
        observe_calls(child, module.engine, name, f"lightgbm.{name}", Phase.UPDATE)
    observe_calls(child, module.Booster, "predict", "Booster.predict", Phase.OUTPUT)


def trees(booster: Any) -> str:
    """The model's text without the section of parameters, which holds file names and the number of threads."""
    text: str = booster.model_to_string()
    head, _, rest = text.partition("\nparameters:\n")
    return head + rest.partition("end of parameters\n")[2]
