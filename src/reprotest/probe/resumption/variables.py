"""Arrays, tensors and numbers that the program keeps in its variables: whatever of its state no framework knows of.

An average of the weights, momentum that is computed by hand, a baseline, a counter, a fitted scaler. Their names tell what they are for,
as far as that can be told: `kind`.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from reprotest.digest import fingerprint
from reprotest.digest.raw import raw_of
from reprotest.probe.leaves import is_array, is_time
from reprotest.probe.resumption import jax
from reprotest.probe.resumption.loops import LOOP, Waiting, loop_round
from reprotest.probe.resumption.moments import Moments
from reprotest.probe.resumption.places import Place, Walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType

    from reprotest.probe.child import Child

HELD, CONSTANT, HOLDERS, REPLACED = "held", "constant", "holders", "replaced"
"""Pieces: what variables hold, which of them the training does not change, in which objects was looked; and what was put back over another value."""
KINDS = ("data.position", "optimizer", "scheduler", "buffers")
_MOST_EACH, _MOST_OF_ALL = 64 << 20, 1 << 30
"""Bytes of one array, and of all, that are kept."""
_POSITION = re.compile(
    r"(^|[._\W])(\w*_)?(step|steps|epoch|epochs|iter|iteration|iterations|it|pos|position|cursor|offset|index|indices|idx|order|perm|"
    r"permutation|queue|batch|batches|seen)(_\w*)?\W*$"
)
_OPTIMIZER = re.compile(
    r"(^|[._\W])(vel\w*|mom\w*|exp_avg\w*|adam\w*|sgd\w*|opt\w*|rms\w*|nesterov\w*|accum\w*|squared\w*|grad_\w*)(\W|\d|$)"
)
_STATISTIC = re.compile(
    r"(^|[._\W])(\w*_)?(mean|var|variance|std|m2|count|avg|average|ema|ewma|running|baseline)(_\w*)?(\W|\d|$)"
)
_LEARNED = re.compile(r"\.[^\W_]\w*_$")
_COUNT = re.compile(r"(^|[._\W])(t|count)(\W*)$")
_MOMENTS = re.compile(r"(^|[._\W])(m|v|s|u|mu|nu|trace)(_\w*)?(\W|\d|$)")


def kind(name: str, *, number: bool, arrays: Iterable[str] = ()) -> str:
    """To which detail a variable belongs, by its name. What ends in "_" is what a scikit-learn estimator has learned.

    Args:
        number: it is no array.
        arrays: names of the arrays that are held, too: beside the moments of Adam, "t" or "count" is that of its steps.
    """
    if _LEARNED.search(name):
        return "buffers"
    if _OPTIMIZER.search(name) or (not number and _MOMENTS.search(name)):
        return "optimizer"
    if _POSITION.search(name):
        return "data.position"
    if number and _COUNT.search(name):
        holder = name.rpartition(".")[0]
        if any(each.rpartition(".")[0] == holder and kind(each, number=False) == "optimizer" for each in arrays):
            return "optimizer"
        return "buffers" if _STATISTIC.search(name) else "data.position"
    return "scheduler" if number and not _STATISTIC.search(name) else "buffers"


class Variables:
    """What is kept of them, and put back."""

    def __init__(
        self,
        child: Child,
        moments: Moments,
        beside: Callable[[], set[int]] = set,
        more: Callable[[], Iterable[Any]] = tuple,
    ) -> None:
        """Args:
        child, moments: of this process.
        beside: ids of objects that other pieces hold.
        more: objects to look into which the program's variables need not hold.
        """
        self._child = child
        self._moments = moments
        self._beside = beside
        self._more = more
        self._begun = False
        self._first: dict[str, Any] | None = None

    def install(self) -> None:
        """Put back what is wanted also where the training's loop begins, for what a step computes before its forward pass."""
        self._moments.listen("what the program's variables hold", self._reached)

    def _reached(self, moment: str) -> None:
        if moment != "load" or self._child.step or not any(one.startswith(HELD) for one in self._moments.restore):
            return
        place = self._moments.given.get(LOOP)
        if place is not None:
            Waiting(self._child, place, lambda: self._moments.guarded("the program's variables", self._enter)).start()

    def _enter(self) -> None:
        if not self._begun and self._moments.here:
            self.put()

    def step_begins(self) -> None:
        """The first forward pass of a step is about to be made: at the step, keep what it finds, and put back what is wanted."""
        moments = self._moments
        if self._first is None and self._child.step == 0 and moments.at:
            self._first = self.marks(None, arrays=False)
        if self._begun or not moments.here:
            return
        self._begun = True
        place, _ = loop_round(self._child) or (None, None)
        moments.pieces[LOOP] = place
        self.keep(self._first)
        self.put()

    def keep(self, before: dict[str, Any] | None = None, frame: FrameType | None = None) -> None:
        """Copy them all, under their names.

        Args:
            frame: the innermost to look at; the caller's by default.
            before: their `marks` at an earlier time: what still is the same may belong to the configuration or the data.
        """
        kept: dict[str, Any] = {}
        constant: list[str] = []
        size = 0
        walk = Walk(self._child, _is_wanted, _inside)
        for place in self._places(walk, frame):
            raw = raw_of(jax.plain(place.value), most=_MOST_EACH)
            if raw is None or len(raw[2]) > _MOST_EACH or size + len(raw[2]) > _MOST_OF_ALL:
                continue
            if before is not None and before.get(place.name) == _mark(place.value):
                constant.append(place.name)
            size += len(raw[2])
            kept.setdefault(place.name, _copied(place.value))
        self._moments.pieces |= {HELD: kept, CONSTANT: constant, HOLDERS: sorted(walk.passed)}

    def marks(self, frame: FrameType | None, *, arrays: bool) -> dict[str, Any]:
        """What tells whether a variable has changed: whole numbers themselves, and digests of arrays if these are asked for."""
        return {p.name: _mark(p.value) for p in self._places(frame=frame) if arrays or isinstance(p.value, int)}

    def put(self) -> None:
        """Put back those of the wanted kinds, in place where that can be done; attributes also where there are none yet."""
        given = self._moments.given
        constant = set(given.get(CONSTANT, ()))
        walk = Walk(self._child, _is_wanted, _inside)
        held = given.get(HELD, {})
        arrays = [name for name, value in held.items() if not _is_number(value)]
        wanted = {
            name: value
            for name, value in held.items()
            if self._moments.wanted(f"{HELD}:{kind(name, number=_is_number(value), arrays=arrays)}")
        }
        replaced: dict[str, list[str]] = {}
        for place in self._places(walk):
            if place.name in wanted:
                value = wanted.pop(place.name)
                if place.name in constant:
                    continue
                if _mark(place.value) != _mark(value):
                    of = kind(place.name, number=_is_number(value), arrays=arrays)
                    replaced.setdefault(f"{HELD}:{of}", []).append(place.name)
                _put(place, value)
        self._moments.log.setdefault(REPLACED, replaced)
        for name, value in wanted.items():
            of, _, attribute = name.rpartition(".")
            holder = walk.passed.get(of)
            if holder is not None and attribute.isidentifier() and attribute not in getattr(holder, "__dict__", {}):
                Place(name, None, holder, attribute).put(value)

    def _places(self, walk: Walk | None = None, frame: FrameType | None = None) -> list[Place]:
        beside = self._beside()
        found = (walk or Walk(self._child, _is_wanted, _inside)).places(frame, self._more())
        return [place for place in found if id(place.value) not in beside and not is_time(place.name)]


def _is_number(value: Any) -> bool:
    return not is_array(value) or value.ndim == 0


def _is_wanted(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    numbers = (int, float, getattr(numpy, "integer", ()), getattr(numpy, "floating", ()))
    return (isinstance(value, numbers) and not isinstance(value, bool)) or is_array(value) or jax.is_array(value)


def _inside(value: Any) -> list[tuple[str, Any]] | None:
    """Of a module its parameters, buffers and numbers; nothing of what is observed otherwise."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return None
    data, schedules = sys.modules.get("torch.utils.data"), sys.modules.get("torch.optim.lr_scheduler")
    if isinstance(value, (torch.optim.Optimizer, getattr(schedules, "LRScheduler", ()), torch.amp.GradScaler)):
        return []
    if isinstance(value, getattr(data, "DataLoader", ())):
        loader: Any = value
        return [(".dataset", loader.dataset), (".collate_fn", loader.collate_fn)]
    if isinstance(value, getattr(data, "Sampler", ())):
        return []
    if isinstance(value, getattr(data, "Dataset", ())):  # its numbers, not what it is made of
        return [(f".{key}", part) for key, part in vars(value).items() if isinstance(part, (int, float))]
    if not isinstance(value, torch.nn.Module):
        return None
    own = [(f".{key}", part) for key, part in vars(value).items() if not key.startswith("_") and key != "training"]
    return [*own, *((f".{n}", t) for n, t in (*value.named_parameters(), *value.named_buffers()))]


def _mark(value: Any) -> Any:
    value = jax.plain(value)
    return value if not is_array(value) else fingerprint(value)[0]


def _copied(value: Any) -> Any:
    value = jax.plain(value)
    if not is_array(value):
        return value
    return value.detach().clone() if hasattr(value, "detach") else value.copy()


def _put(place: Place, value: Any) -> None:
    held = place.value
    if jax.is_array(held):
        place.put(jax.like(held, value))
        return
    both = is_array(held) and is_array(value) and hasattr(held, "copy_") == hasattr(value, "copy_")
    if not both or not _alike(held, value):
        place.put(value)
    elif hasattr(held, "copy_"):
        with sys.modules["torch"].no_grad():
            held.copy_(value)
    elif held.flags.writeable:
        held[...] = value
    else:
        place.put(value)


def _alike(a: Any, b: Any) -> bool:
    return bool(a.shape == b.shape and a.dtype == b.dtype)
