"""Where the program holds things: variables of its functions and of its main module, and what hangs on their values."""

from __future__ import annotations

import ctypes
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprotest.probe.child import Child

_DEPTH, _WIDTH, _MOST = 3, 100, 2_000
"""How far from a variable is looked, among how many items of a list, and among how many objects in all."""
_LEAVES: tuple[Any, ...] = (str, bytes, type, FunctionType, *weakref.ProxyTypes)


@dataclass
class Place:
    """A value, and where it is held.

    Attributes:
        name: as the program would write it: "rng", "self.dataset.rng", "state['m'][0]".
        owner, key: a frame and a variable, a dictionary, list or tuple and its key, or an object and an attribute.
        within: the place of the owner, if that is known: a tuple is replaced there as a whole.
    """

    name: str
    value: Any
    owner: Any
    key: Any
    within: Place | None = None

    def put(self, value: Any) -> None:
        """Let the place hold another value. What cannot be set stays as it is."""
        try:
            if isinstance(self.owner, FrameType):
                self.owner.f_locals[self.key] = value
                if sys.version_info < (3, 13):  # PEP 667: later ones write through
                    ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(self.owner), ctypes.c_int(0))
            elif isinstance(self.owner, (dict, list)):
                self.owner[self.key] = value
            elif isinstance(self.owner, tuple):
                if self.within is not None:
                    self.within.put(_replaced(self.within.value, self.key, value))
            else:
                setattr(self.owner, self.key, value)
            self.value = value
        except (AttributeError, TypeError, LookupError):
            pass


def _replaced(whole: Any, key: int, value: Any) -> Any:
    """The same tuple with another item."""
    items = [*whole[:key], value, *whole[key + 1 :]]
    return whole._make(items) if hasattr(whole, "_make") else type(whole)(items)


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

    def places(self, frame: FrameType | None = None, more: Iterable[Any] = ()) -> Iterator[Place]:
        """Everything wanted, from a frame (the caller's) outwards, each object once.

        Args:
            more: other objects in which to look, which the user's code need not hold; they are named after their types.
        """
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
        for value in more:
            yield from self._look(Place(type(value).__name__, value, (), 0), 0)

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
            deeper = not isinstance(value, (dict, list, tuple))  # a tree of parameters may be nested in any way
            for part in self._parts(place):
                yield from self._look(part, depth + deeper)

    def _parts(self, place: Place) -> list[Place]:
        value, name = place.value, place.name
        known = self._inside(value)
        if known is not None:
            return [Place(name + suffix, part, value, suffix.lstrip(".")) for suffix, part in known]
        if isinstance(value, dict):
            return [Place(f"{name}[{key!r}]", part, value, key) for key, part in list(value.items())[:_WIDTH]]
        if isinstance(value, (list, tuple)):
            fields = getattr(value, "_fields", ())
            names = [f"{name}.{field}" for field in fields] or [f"{name}[{n}]" for n in range(len(value[:_WIDTH]))]
            return [Place(*of, value, n, place) for n, of in enumerate(zip(names, value, strict=False))]
        if isinstance(value, ModuleType) and not self._child.is_users(getattr(value, "__file__", None) or "<"):
            return []
        own = getattr(value, "__dict__", None)
        if not isinstance(own, dict):
            return []
        named = [(key, part) for key, part in list(own.items()) if isinstance(key, str) and not key.startswith("__")]
        return [Place(f"{name}.{key}", part, value, key) for key, part in named]
