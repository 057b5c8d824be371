"""Observes what a library's function or method returns, or what it makes of its object, for calls that no other observed call makes."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reprotest.probe.leaves import is_time, leaves
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child

_busy = threading.local()


class outermost:
    """Context in which further observed calls of this thread are somebody's inner workings. False where we are inside of one already."""

    def __enter__(self) -> bool:
        self._mine = not getattr(_busy, "inside", False)
        _busy.inside = True
        return self._mine

    def __exit__(self, *exception: object) -> None:
        if self._mine:
            _busy.inside = False


def record(child: Child, name: str, phase: Phase, value: Any, part: Callable[[Any], Any] | None = None) -> None:
    """One event for each leaf of a value (or of `part(value)`). Never raises."""
    if child.level == "lines":
        return
    try:
        location = child.site()
        for path, leaf in leaves(value if part is None else part(value), name):
            if not is_time(path):
                child.observe(path, phase, leaf, location=location)
    except Exception as error:
        child.note(f"{name} could not be observed: {error!r}")


def observe_calls(
    child: Child,
    owner: Any,
    attribute: str,
    name: str,
    phase: Phase,
    of_self: Callable[[Any], Any] | None = None,
) -> None:
    """Replace `owner.attribute` by a function that records each result under `name` as a frame of its own.

    Args:
        owner: module or class.
        of_self: for a method that changes its object: what of the object is to be recorded, before (INIT) and after (`phase`).
    """
    original = getattr(owner, attribute, None)
    if original is None or getattr(original, "_reprotest", False):
        return

    @functools.wraps(original)
    def observed(*args: Any, **kwargs: Any) -> Any:
        with outermost() as mine:
            watched = mine and child.in_main_thread() and not child.is_worker
            if watched and of_self is not None:
                record(child, name, Phase.INIT, args[0], of_self)
            result = original(*args, **kwargs)
            if watched:
                record(child, name, phase, result if of_self is None else args[0], of_self)
                child.commit()
            return result

    observed._reprotest = True  # type: ignore[attr-defined]
    setattr(owner, attribute, observed)
