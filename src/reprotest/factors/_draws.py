"""Watches what is drawn from a module's hidden global generator for as long as nobody has seeded it."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Collection, Sequence
from typing import Any

from reprotest.factors import _patch
from reprotest.factors._callers import library_import
from reprotest.factors.base import Inside

_EACH = 5_000
"""So many unseeded draws are noted one by one, then one in `_STRIDE`."""
_STRIDE = 64


class GlobalDraws:
    """The methods of a generator class, replaced while its one global instance is unseeded.

    Replaced in the class and not in the instance: the instance keeps its type and its dictionary, and after `disarm` everything is
    as it was.

    Args:
        inside: where uses are noted.
        factor_id: under which name.
        instance: the global generator.
        names: its methods that draw.
        modules: names of the modules whose functions are bound methods of the global generator.
        other: makes the generator that a listed site draws from when it alone is to see another seed.
        prepare: called before every draw.
    """

    def __init__(
        self,
        inside: Inside,
        factor_id: str,
        instance: Any,
        names: Collection[str],
        modules: Sequence[str],
        other: Callable[[str | None], Any],
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self.armed = False
        self.draws = 0
        self._inside = inside
        self._id = factor_id
        self._instance = instance
        self._kind = type(instance)
        self._names = names
        self._modules = modules
        self._make_other = other
        self._prepare = prepare
        self._others: dict[str | None, Any] = {}
        setting = inside.setting(factor_id)
        self._only = setting.only if setting is not None else ()
        self._undo: list[Callable[[], None]] = []

    def arm(self) -> None:
        """The generator is unseeded from here on."""
        if self.armed:
            return
        self.draws = 0
        for name in self._names:
            self._undo.append(_patch.patch_type(self._kind, name, self._draw(name, getattr(self._kind, name))))
        self.armed = True
        self.rebind()

    def disarm(self) -> None:
        """Somebody has seeded it: what is drawn now is no concern of ours."""
        if not self.armed:
            return
        self.armed = False
        for undo in self._undo:
            undo()
        self._undo.clear()
        self.rebind()

    def rebind(self) -> None:
        """Make the modules' functions again from the generator's methods as they are now."""
        for name in self._modules:
            module = sys.modules.get(name)
            for attribute, value in list(vars(module).items()) if module is not None else ():
                if getattr(value, "__self__", None) is self._instance:
                    setattr(module, attribute, getattr(self._instance, attribute))

    def _draw(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @_patch.like(original)
        def draw(rng: Any, *args: Any, **kwargs: Any) -> Any:
            if rng is not self._instance or not self.armed or self._from_within(sys._getframe(1), code):
                return original(rng, *args, **kwargs)
            other = self._noted()
            if other is None:
                return original(rng, *args, **kwargs)
            # The global generator moves on as ever, so that all other lines see what they would have seen.
            aside = (copy.copy(args[0]), *args[1:]) if name == "shuffle" and args else args
            original(rng, *aside, **kwargs)
            return original(other, *args, **kwargs)

        code = draw.__code__  # one code object for all of them
        return draw

    def _from_within(self, frame: Any, code: Any) -> bool:
        """Does one method of the generator call another?"""
        return frame.f_code is code or frame.f_globals.get("__name__") == self._kind.__module__

    @_patch.harmless
    def _noted(self) -> Any:
        """Note one draw. Returns the generator to draw from instead, when the line is to see another seed than the rest."""
        self._prepare()
        self.draws += 1
        if self.draws > _EACH and self.draws % _STRIDE and not self._only:
            return None
        site = self._inside.site()
        if library_import(self._inside):
            return None
        self._inside.used(self._id, site, _STRIDE if self.draws > _EACH and not self._only else 1)
        if site not in self._only:
            return None
        if site not in self._others:
            self._others[site] = self._make_other(site)
        return self._others[site]
