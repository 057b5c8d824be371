"""Which samples a loader gave out, and giving out those of the full run instead: the position in the data."""

from __future__ import annotations

import functools
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from reprotest.probe.resumption.generators import Generators
from reprotest.probe.resumption.kept import plain
from reprotest.probe.resumption.moments import Moments

if TYPE_CHECKING:
    from reprotest.probe.child import Child

POSITION = "data.position"
_MOST_INDICES = 20_000_000
"""Indices that one run's log holds; beyond, the position cannot be put back."""
_FETCHES = 4
"""Reads round the step whose generators are kept: loaders that read ahead are one batch ahead, or a few."""


class _Pass:
    """One iteration over a loader. `asked`: batches of indices so far; `given`: batches handed out."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.asked = 0
        self.given = 0
        self.batches: list[Any] = []
        self.ended = False


class Loaders:
    """Observes every DataLoader of this process."""

    def __init__(self, child: Child, moments: Moments, generators: Generators) -> None:
        self._child = child
        self._moments = moments
        self._generators = generators
        self._passes: list[_Pass] = []
        self._steps: list[list[int]] = []
        self._latest: _Pass | None = None
        self._indices = 0
        self._iterators: dict[int, dict[str, Any]] = {}
        moments.log.setdefault("passes", [])
        moments.log["steps"] = self._steps

    def install(self) -> None:
        self._child.on_import("torch.utils.data.dataloader", self._observe)
        register_optimizer_step_pre_hook(lambda *_: self._stepping())
        self._moments.at_end(self._write)

    def _observe(self, module: ModuleType) -> None:
        base, several = module._BaseDataLoaderIter, module._MultiProcessingDataLoaderIter
        init, next_index, following, reset = base.__init__, base._next_index, base.__next__, several._reset

        @functools.wraps(init)
        def __init__(iterator: Any, loader: Any) -> None:
            if not self._moments.counts:
                init(iterator, loader)
                return
            self._generators.belong_to_data(loader)
            current = self._begin(iterator)
            before = torch.get_rng_state() if self._replaced(current) and self._offset(current) > 0 else None
            init(iterator, loader)
            if before is not None:  # going on in the middle of a pass draws nothing
                torch.set_rng_state(before)

        @functools.wraps(reset)
        def _reset(iterator: Any, loader: Any, first_iter: bool = False) -> None:
            if not first_iter and self._moments.counts:
                self._begin(iterator)
            reset(iterator, loader, first_iter)

        @functools.wraps(next_index)
        def _next_index(iterator: Any) -> Any:
            current = getattr(iterator, "_reprotest_pass", None)
            if current is None:
                return next_index(iterator)
            return self._next_index(current, lambda: next_index(iterator))

        @functools.wraps(following)
        def __next__(iterator: Any) -> Any:
            current = getattr(iterator, "_reprotest_pass", None)
            if current is None or not self._moments.counts:
                return following(iterator)
            self._skip(current, lambda: following(iterator))
            try:
                batch = following(iterator)
            except StopIteration:
                current.ended = True
                raise
            current.given += 1
            self._latest = current
            if self._moments.here:
                self._kept_iterator(current)
                self._moments.reached("batch")
            return batch

        base.__init__, base._next_index, base.__next__, several._reset = __init__, _next_index, __next__, _reset
        self._child.on_import("torch.utils.data._utils.fetch", self._observe_fetch)

    def _observe_fetch(self, module: ModuleType) -> None:
        for kind in (module._MapDatasetFetcher, module._IterableDatasetFetcher):
            self._observe_fetcher(kind)

    def _observe_fetcher(self, kind: Any) -> None:
        fetch = kind.fetch

        @functools.wraps(fetch)
        def observed(fetcher: Any, indices: Any) -> Any:
            moments = self._moments
            at = moments.at
            if at is not None and moments.counts and at - 1 <= self._child.step <= at:
                moments.guarded("the states of random generators", lambda: self._at_fetch(_listed(indices)))
            return fetch(fetcher, indices)

        kind.fetch = observed

    # --- one pass -----------------------------------------------------------------------------------------------

    def _begin(self, iterator: Any) -> _Pass:
        current = _Pass(len(self._passes))
        self._passes.append(current)
        iterator._reprotest_pass = current
        moments = self._moments
        if moments.at is not None and self._child.step <= moments.at:

            def work() -> None:
                self._iterators[current.number] = self._generators.states()
                given = moments.given.get("iterator")
                if given is not None:
                    self._generators.put(given)

            moments.guarded("the states of random generators", work)
        return current

    def _kept_iterator(self, current: _Pass) -> None:
        """The states with which the pass began that the step's batch is from."""
        states = self._iterators.get(current.number)
        if states is not None:
            self._moments.pieces["iterator"] = states

    def _at_fetch(self, indices: Any) -> None:
        moments = self._moments
        fetches = moments.pieces.setdefault("fetch", [])
        fetches.append([indices, self._generators.states()])
        del fetches[:-_FETCHES]
        for known, states in moments.given.get("fetch", ()):
            if known == indices and indices is not None:
                self._generators.put(states)

    def _next_index(self, current: _Pass, original: Any) -> Any:
        number, current.asked = current.asked, current.asked + 1
        replaced = self._replaced(current)
        if replaced is not None and replaced["batches"] is not None:
            at = number + self._offset(current)
            if replaced["offset"] <= 0 or at < 0:
                try:
                    indices = original()  # its draws are the program's own
                except StopIteration:
                    indices = None
                if at < 0 and indices is not None:
                    return indices
            if at < len(replaced["batches"]):
                indices = replaced["batches"][at]
            elif replaced["ended"]:
                raise StopIteration
            else:
                indices = original()
        else:
            indices = original()
        if self._indices < _MOST_INDICES:
            listed = _listed(indices)
            self._indices += len(listed) if isinstance(listed, list) else 1
            current.batches.append(listed)
        return indices

    def _skip(self, current: _Pass, following: Any) -> None:
        """A stream of samples has no indices: read on to where the full run was."""
        replaced = self._replaced(current)
        if replaced is not None and replaced["batches"] is None and not current.given:
            if replaced["ended"] and not replaced["any"]:
                raise StopIteration
            for _ in range(max(0, int(replaced["offset"]))):
                following()

    def _replaced(self, current: _Pass) -> dict[str, Any] | None:
        if not self._moments.wanted(POSITION):
            return None
        found: dict[str, Any] | None = self._moments.given.get("passes", {}).get(str(current.number))
        return found

    def _offset(self, current: _Pass) -> int:
        replaced = self._replaced(current)
        return int(replaced["offset"]) if replaced is not None else 0

    # --- the log ------------------------------------------------------------------------------------------------

    def _stepping(self) -> None:
        """[step, pass, batches given by it], once a step."""
        if self._latest is None or not self._moments.counts:
            return
        step = self._child.step
        if not self._steps or self._steps[-1][0] != step:
            self._steps.append([step, self._latest.number, self._latest.given])

    def _write(self) -> None:
        whole = self._indices < _MOST_INDICES
        self._moments.log["passes"] = [
            {"batches": each.batches if whole and _have_indices(each.batches) else None, "ended": each.ended}
            for each in self._passes
        ]
        if not whole:
            self._child.note("which samples were given out is not kept: there are too many")


def _listed(indices: Any) -> Any:
    """A batch of indices as plain data; None when it is no such thing."""
    numpy = sys.modules.get("numpy")
    if isinstance(indices, torch.Tensor) or (numpy is not None and isinstance(indices, (numpy.ndarray, numpy.generic))):
        return indices.tolist()
    if isinstance(indices, (list, tuple)):
        listed = [_listed(item) for item in indices]
        return listed if all(item is not None for item in listed) else None
    return indices if plain(indices) else None


def _have_indices(batches: list[Any]) -> bool:
    return all(batch is not None for batch in batches)
