"""Over how many threads a library splits a sum."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from reprotest.factors import _patch
from reprotest.factors.base import PINNING, Factor, Inside, Json, Launch, Pinning, Seen, Setting

_PROCESSORS = "LOKY_MAX_CPU_COUNT"
"""Of the variables the one that joblib does not set anew for its workers: it counts processors, not threads."""
_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "NUMBA_NUM_THREADS",
    _PROCESSORS,
)
_INSIST = {"MKL_DYNAMIC": "FALSE", "OMP_DYNAMIC": "FALSE", "OMP_THREAD_LIMIT": None}
"""MKL and OpenMP may else take fewer threads than they are given, at will."""


class ThreadsCount(Factor):
    """Threads of OpenMP, MKL, OpenBLAS and the like. A sum split otherwise is rounded otherwise.

    A varied count is also what Python code sees that asks how many processors there are, and cuts its work accordingly.
    """

    id = "threads.count"
    what = "the number of threads over which sums are split"
    fix = "pin the number (OMP_NUM_THREADS, torch.set_num_threads) and record it with the result"
    inside = True
    likely = True
    order = 60

    def read(self) -> Mapping[str, Json]:
        torch = sys.modules.get("torch")
        return {
            "cores": os.cpu_count(),
            "usable_cores": usable_cores(),
            "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
            "torch": torch.get_num_threads() if torch is not None else None,
        }

    def facet(self, reading: Mapping[str, Json], modules: frozenset[str]) -> str | None:
        """Threads that PyTorch, or else OpenMP, splits a sum over; what other libraries are told differs from it where they say so."""
        variables = reading.get("variables") or {}
        told = str(variables.get("OMP_NUM_THREADS", "")).split(",")[0]
        count = str(reading.get("torch") or (told if told.isdigit() else reading.get("usable_cores")) or "unknown")
        others = {name: value for name, value in variables.items() if str(value) != count}
        return " ".join([count, *(f"{name}={value}" for name, value in sorted(others.items()))])

    def emulate(self, reading: Mapping[str, Json]) -> Mapping[str, str | None] | None:
        count = (self.facet(reading, frozenset()) or "").split(" ")[0]
        if not count.isdigit():
            return None
        return {**dict.fromkeys(_VARIABLES, count), **(reading.get("variables") or {})}

    def launch(self, setting: Setting) -> Launch:
        counts = self._counts()
        if not 1 <= setting.variant <= len(counts):
            return Launch()
        count = counts[setting.variant - 1]
        env: dict[str, str | None] = dict.fromkeys(_VARIABLES, str(count))
        return Launch(env={**env, **_INSIST} if count > usable_cores() else env)

    def watch(self, inside: Inside) -> None:
        setting = inside.setting(self.id)
        count = os.environ.get(_PROCESSORS, "")
        if setting is not None and setting.variant and count.isdigit():
            _pretend(int(count))

    def unpinned(self, how: Pinning = PINNING) -> Sequence[str]:
        """Never pinned from inside: most libraries read the number once, and a training's speed is not ours to change."""
        if not how.deterministic or "OMP_NUM_THREADS" in os.environ:
            return ()
        torch = sys.modules.get("torch")
        count = torch.get_num_threads() if torch is not None else usable_cores()
        return (
            f"threads: sums are split over {count} here and over another number elsewhere; OMP_NUM_THREADS={count} before the start pins it",
        )

    def perturb(self, k: int) -> str | None:
        counts = self._counts()
        if not 1 <= k <= len(counts):
            return None
        count = counts[k - 1]
        return f"{count}, MKL_DYNAMIC=FALSE" if count > usable_cores() else str(count)

    def usual(self, seen: Seen) -> str:
        return str(_present())

    def _counts(self) -> list[int]:
        """Other counts than the present one, the most different first. More threads than cores are slow, but split as well."""
        return [
            count
            for count in dict.fromkeys((1, 2, 2 * usable_cores(), max(1, usable_cores() // 2)))
            if count != _present()
        ][:3]


def _pretend(count: int) -> None:
    """Have the standard library count so many processors; `multiprocessing`, `concurrent.futures` and joblib ask it."""

    def cpu_count(_self: object) -> int:
        return count

    _patch.replace(os, "cpu_count", cpu_count)
    if not hasattr(os, "sched_getaffinity"):
        return
    real = os.sched_getaffinity

    def sched_getaffinity(_self: object, pid: int, /) -> set[int]:
        return set(range(count)) if pid in (0, os.getpid()) else real(pid)

    _patch.replace(os, "sched_getaffinity", sched_getaffinity)


def _present() -> int:
    """The number of threads that libraries take by themselves."""
    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return int(given) if given.isdigit() else usable_cores()


def usable_cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
