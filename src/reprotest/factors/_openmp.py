"""scikit-learn's OpenMP loops: what each thread has summed is added up as the threads come (KMeans does)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

_HARMLESS = 2
"""Threads whose two sums give the same total either way."""


def watch(module: ModuleType, taken: Callable[[], None], held: bool) -> None:
    """Tell of every estimator that is about to use several threads; where their order is held, it uses one.

    Args:
        module: `sklearn.utils._openmp_helpers`.
        taken: called where the user's code fits or calls such an estimator.
        held: is the order of threads held in this run?
    """
    helpers: Any = module
    real = helpers._openmp_effective_n_threads

    @functools.wraps(real)
    def effective(*args: Any, **kwargs: Any) -> int:
        count: int = real(*args, **kwargs)
        if count > _HARMLESS:
            taken()
        return 1 if held else count

    helpers._openmp_effective_n_threads = effective
