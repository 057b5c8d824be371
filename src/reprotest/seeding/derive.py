"""Seeds made from a seed, and blocks of code that draw from generators seeded for them alone."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from functools import cache
from types import TracebackType
from typing import Any

from reprotest.factors import Factor, all_factors


def derive(*parts: object) -> int:
    """A seed of 64 bits from numbers and text: the same in every process, and unlike for parts that differ at all."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), "little")


def place() -> tuple[int, int]:
    """(rank, number of ranks) of this process: of torch.distributed where it runs, else of the launcher's variables, else (0, 1)."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    try:
        return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    except ValueError:
        return 0, 1


@cache
def _drawn_by_code() -> tuple[Factor, ...]:
    return tuple(factor for factor in all_factors() if type(factor).reseed is not Factor.reseed)


def reseed(seed: int) -> None:
    """Seed the global generators that code on the CPU draws from."""
    for factor in _drawn_by_code():
        factor.reseed(seed)


class Drawing:
    """A block whose draws from the global generators start from seeds of its own and leave no trace after it."""

    def __enter__(self) -> Callable[[int], None]:
        self._before = [(factor, factor.state()) for factor in _drawn_by_code()]
        return reseed

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for factor, state in self._before:
            if state is not None:
                factor.restore(state)


class Private:
    """A stream of draws that goes on from block to block, apart from the process's own."""

    def __init__(self, seed: int) -> None:
        self._seed: int | None = seed
        self._states: list[tuple[Factor, Any]] = []

    def __enter__(self) -> None:
        self._outside = Drawing()
        begin = self._outside.__enter__()
        if self._seed is not None:
            begin(self._seed)
            self._seed = None
        for factor, state in self._states:
            if state is not None:
                factor.restore(state)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._states = [(factor, factor.state()) for factor in _drawn_by_code()]
        self._outside.__exit__(kind, error, trace)
