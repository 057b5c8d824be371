"""numba's threads: a parallel loop whose passes write to the same place ends otherwise every time."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

_SET = ctypes.CFUNCTYPE(None, ctypes.c_int)


def watch(module: ModuleType, taken: Callable[[], None], held: bool) -> None:
    """Tell of every loop that numba compiles for several threads; where their order is held, there is only one.

    Args:
        module: `numba.np.ufunc.parallel`.
        taken: called where the user's code calls such a loop for the first time.
        held: is the order of threads held in this run?
    """
    numba: Any = module
    launch = numba._launch_threads

    @functools.wraps(launch)
    def launched() -> None:
        taken()
        if held:
            numba.NUM_THREADS = 1
        launch()
        if held and numba._set_num_threads is not one:
            numba._set_num_threads = one

    one = _SET(lambda count: None)  # compiled code calls it, too
    numba._launch_threads = launched
