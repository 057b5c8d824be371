"""Artifacts that a program saves, as OUTPUT events: their tensors and arrays, never a file's bytes, name or time."""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, Any

from reprotest.probe.calls import outermost
from reprotest.probe.leaves import arrays, is_time
from reprotest.record.event import SAVED, Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child


def observe_saving(
    child: Child,
    module: Any,
    function: str,
    name: str,
    *,
    first: int = 0,
    several: bool = False,
    only_user: bool = False,
) -> None:
    """Replace `module.function` by one that first records the arrays in what is to be saved.

    Args:
        name: what the events are called; the path inside the saved value follows.
        first: which positional argument is saved.
        several: so are all positional arguments after it, and the keyword arguments (`numpy.savez`).
        only_user: only calls from the user's own code count, because libraries use the function for themselves.
    """
    original = getattr(module, function, None)
    if original is None:
        return

    @functools.wraps(original)
    def saving(*args: Any, **kwargs: Any) -> Any:
        with outermost() as mine:
            wanted = mine and child.level != "lines" and not child.is_worker and not _holds_times(args, kwargs)
            if wanted and (not only_user or _is_users_call(child)):
                saved: list[tuple[str, Any]] = [(name, value) for value in args[first : None if several else first + 1]]
                saved += [(f"{name}[{key!r}]", value) for key, value in kwargs.items()]
                _put(child, saved)
            return original(*args, **kwargs)

    setattr(module, function, saving)


def _is_users_call(child: Child) -> bool:
    """Was the observed function called by the user's code, through whichever others of our replacements?"""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("reprotest.probe."):
        frame = frame.f_back
    return child.shown(frame.f_code) is not None


def _holds_times(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Does the file's name say that times are in it?"""
    paths = (value for value in (*args, *kwargs.values()) if isinstance(value, (str, os.PathLike)))
    return any(is_time(os.path.basename(os.fsdecode(path))) for path in paths)


def _put(child: Child, saved: list[tuple[str, Any]]) -> None:
    try:
        location = child.site()
        child.part()  # what the step under way has left so far belongs to that step
        for name, value in saved:
            for path, leaf in arrays(value, name):
                if not is_time(path):
                    child.observe(path, Phase.OUTPUT, leaf, op=SAVED, location=location)
        child.commit()
    except Exception as error:
        child.note(f"what {saved[0][0]} keeps could not be observed: {error!r}")
