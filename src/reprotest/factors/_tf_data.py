"""tf.data's own threads: parallel maps and interleaves, in which elements meet shared generators in the order in which they get there."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from reprotest.factors.base import Inside

_PARALLEL = "num_parallel_calls"


def install(inside: Inside, taken: Callable[[], None], *, held: bool) -> None:
    """Tell of every parallel transformation; where the order is held, make one call after the other.

    Args:
        taken: called where the user's code asks for parallel calls.
        held: is the order of threads held in this run?
    """
    for module, names in (
        ("tensorflow.python.data.ops.map_op", ("_map_v2", "_map_v1")),
        ("tensorflow.python.data.ops.interleave_op", ("_interleave",)),
    ):
        inside.on_import(module, lambda found, names=names: _watch(found, names, taken, held))  # type: ignore[misc]


def _watch(module: ModuleType, names: tuple[str, ...], taken: Callable[[], None], held: bool) -> None:
    for name in names:
        original = getattr(module, name, None)
        if original is not None:
            setattr(module, name, _watched(original, taken, held))


def _watched(original: Callable[..., Any], taken: Callable[[], None], held: bool) -> Callable[..., Any]:
    signature = inspect.signature(original)

    @functools.wraps(original)
    def transform(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        if bound.arguments.get(_PARALLEL) is None:
            return original(*args, **kwargs)
        taken()
        if not held:
            return original(*args, **kwargs)
        for alone in (_PARALLEL, "deterministic", "use_unbounded_threadpool"):  # these say how parallel calls are made
            bound.arguments.pop(alone, None)
        return original(*bound.args, **bound.kwargs)

    return transform
