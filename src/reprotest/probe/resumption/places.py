"""Where the program holds things: variables of its functions and of its main module, and what hangs on their values."""

from __future__ import annotations

import ctypes
import sys
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprotest.probe.child import Child

_DEPTH, _WIDTH, _MOST = 3, 100, 2_000
"""How far from a variable is looked, among how many items of a list, and among how many objects in all."""
_LEAVES: tuple[Any, ...] = (str, bytes, type, FunctionType, *weakref.ProxyTypes)


@dataclass(frozen=True)
class Place:
    """A value, and where it is held.

    Attributes:
        name: as the program would write it: "rng", "self.dataset.rng", "state['m'][0]".
        owner, key: a frame and a variable, a dictionary or list and its key, or an object and an attribute.
    """

    name: str
    value: Any
    owner: Any
    key: Any

    def put(self, value: Any) -> None:
        """Let the place hold another value. What cannot be set stays as it is."""
        try:
            if isinstance(self.owner, FrameType):
                self.owner.f_locals[self.key] = value
                if sys.version_info < (3, 13):  # PEP 667: later ones write through
                    ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(self.owner), ctypes.c_int(0))
            elif isinstance(self.owner, (dict, list)):
                self.owner[self.key] = value
            elif not isinstance(self.owner, tuple):
                setattr(self.owner, self.key, value)
        except (AttributeError, TypeError, LookupError):
            pass


Inside = Callable[[Any], list[tuple[str, Any]] | None]
"""What a value of a known kind consists of, as (suffix of the name, value); None: it is of no such kind."""


class Walk:
    """One look at everything that the user's code holds.

    Args:
        child: tells the user's code from others.
        wanted: is a value looked for?
        inside: where to look in values of the frameworks' own kinds.

    Attributes:
        passed: name → object, for objects in which was looked.
    """

    def __init__(self, child: Child, wanted: Callable[[Any], bool], inside: Inside) -> None:
        self._child = child
        self._wanted = wanted
        self._inside = inside
        self._seen: set[int] = set()
        self.passed: dict[str, Any] = {}

    def places(self, frame: FrameType | None = None) -> Iterator[Place]:
        """Everything wanted, from a frame (the caller's) outwards, each object once."""
        frame = frame or sys._getframe(1)
        while frame is not None:
            if self._child.shown(frame.f_code) is not None and frame.f_code.co_name != "<module>":
                for name, value in list(frame.f_locals.items()):
                    yield from self._look(Place(name, value, frame, name), 0)
            frame = frame.f_back
        program = vars(sys.modules["__main__"])
        for name, value in list(program.items()):
            if not name.startswith("__"):
                yield from self._look(Place(name, value, program, name), 0)

    def _look(self, place: Place, depth: int) -> Iterator[Place]:
        value, seen = place.value, self._seen
        number = isinstance(value, (int, float))  # small ones are the same object everywhere
        if self._wanted(value):
            if number or id(value) not in seen:
                seen.add(id(value))
                yield place
        elif not number and not isinstance(value, _LEAVES) and id(value) not in seen and depth < _DEPTH:
            if len(seen) > _MOST:
                return
            seen.add(id(value))
            self.passed.setdefault(place.name, value)
            for part in self._parts(place):
                yield from self._look(part, depth + 1)

    def _parts(self, place: Place) -> list[Place]:
        value, name = place.value, place.name
        known = self._inside(value)
        if known is not None:
            return [Place(name + suffix, part, value, suffix.lstrip(".")) for suffix, part in known]
        if isinstance(value, dict):
            return [Place(f"{name}[{key!r}]", part, value, key) for key, part in list(value.items())[:_WIDTH]]
        if isinstance(value, (list, tuple)):
            return [Place(f"{name}[{index}]", part, value, index) for index, part in enumerate(value[:_WIDTH])]
        if isinstance(value, ModuleType) and not self._child.is_users(getattr(value, "__file__", None) or "<"):
            return []
        own = getattr(value, "__dict__", None)
        if not isinstance(own, dict):
            return []
        named = [(key, part) for key, part in list(own.items()) if isinstance(key, str) and not key.startswith("__")]
        return [Place(f"{name}.{key}", part, value, key) for key, part in named]
