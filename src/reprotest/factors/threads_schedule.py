"""The order in which threads, processes and futures get there."""

from __future__ import annotations

import functools
import itertools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import ModuleType
from typing import Any

from reprotest.factors import _duckdb, _numba, _openmp, _outside, _pools, _primitives, _tf_data, _tf_kernels
from reprotest.factors._baton import Baton
from reprotest.factors._turns import Turns, serves_a_library
from reprotest.factors.base import Factor, Inside, Launch, Seen, Setting


class ThreadsSchedule(Factor):
    """Held by a deterministic scheduler (`_baton`), by pools of one process, and by taking results in the order of submission.

    Native thread pools that split work without regard to order (rayon's, polars') are reduced to one thread before the start; numba's
    parallel loops, which are the user's own, scikit-learn's, TensorFlow's operators and DuckDB's queries when they begin. The number
    of threads inside other native code is left alone (a race in PyTorch's is `torch.kernels`, another summation order `threads.count`), unless nothing
    else makes runs agree: then OpenMP as a whole is limited to one thread (`Setting.native`).
    """

    id = "threads.schedule"
    start = None
    what = "which of several threads, processes or futures gets there first"
    fix = (
        "put results in their place by index instead of by arrival (map instead of imap_unordered or as_completed), give every "
        "worker its own seeded generator, and do not let workers write to shared numbers; a library whose own threads race repeats with "
        "one (n_jobs=1, OMP_NUM_THREADS=1)"
    )
    repeats = True
    frees = 3
    order = 30

    def acts_unseen(self, modules: frozenset[str]) -> bool:
        return bool(modules & {"polars", "tokenizers", "datasets", "tensorflow", "duckdb"})

    def launch(self, setting: Setting) -> Launch:
        limits = ("RAYON_NUM_THREADS", "POLARS_MAX_THREADS", *(("OMP_THREAD_LIMIT",) if setting.native else ()))
        return Launch(env=dict.fromkeys(limits, "1"))

    def perturb(self, k: int) -> str | None:
        if k == 0:
            return "one thread at a time, the one that waits longest first"
        return (
            "one thread at a time, the last one first" if k % 2 else f"one thread at a time, order drawn with seed {k}"
        )

    def watch(self, inside: Inside) -> None:
        uses = Uses(inside)
        setting = inside.setting(self.id)
        if setting is not None:
            _hold(inside, setting)
        _watch_threads(uses)
        inside.on_import("queue", lambda module: _watch_queue(module.Queue, uses))
        inside.on_import("multiprocessing.process", lambda module: _watch_start(module.BaseProcess, uses))
        inside.on_import("multiprocessing.queues", lambda module: _watch_process_queue(module.Queue, uses))
        inside.on_import("multiprocessing.pool", lambda module: _watch_unordered(module.Pool, uses))
        inside.on_import("concurrent.futures._base", lambda module: _watch_futures(module, "concurrent.futures", uses))
        inside.on_import("concurrent.futures.process", lambda module: _watch_submit(module.ProcessPoolExecutor, uses))
        for loky in ("joblib.externals.loky", "loky"):
            inside.on_import(f"{loky}.process_executor", lambda module: _watch_submit(module.ProcessPoolExecutor, uses))
        inside.on_import("asyncio.tasks", lambda module: _watch_futures(module, "asyncio", uses))
        inside.on_import("torch.utils.data.dataloader", lambda module: _watch_loader(module.DataLoader, uses))
        held = setting is not None

        def taken() -> None:
            uses.taken(inside.site())

        _tf_data.install(inside, taken, held=held)
        _tf_kernels.install(inside, held=held)
        inside.on_import("numba.np.ufunc.parallel", lambda module: _numba.watch(module, taken, held))
        if held:
            inside.on_import("duckdb", _duckdb.hold)
        inside.on_import("sklearn.utils._openmp_helpers", lambda module: _openmp.watch(module, taken, held))

    def variations(self, seen: Seen) -> Sequence[int] | str:
        return "it is left to chance, as always: `reprotest run` looks for races"


def _hold(inside: Inside, setting: Setting) -> None:
    plan, put = getattr(inside, "plan", None), getattr(inside, "put", None)

    def gave_up(sentence: str) -> None:
        if put is not None:
            put("gave_up", f"{ThreadsSchedule.id}: {sentence}")

    baton = Baton(setting.seed, setting.variant, gave_up)
    turns = Turns(plan.run_dir if plan is not None else os.getcwd())
    _primitives.install(inside, baton, turns)
    _outside.install(inside, baton, turns)
    _pools.install(inside, baton, gave_up)


class Uses:
    """Call sites of two ranks: where results are taken as they arrive, and where threads or processes are merely started.

    The second kind is noted only if the process ends without one of the first kind: the line to mend is where the order enters.
    """

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._started: dict[str | None, int] = {}
        self._taken = False
        at_exit: Callable[[Callable[[], None]], None] | None = getattr(inside, "at_exit", None)
        self._deferred = at_exit is not None
        if at_exit is not None:
            at_exit(self.flush)
            os.register_at_fork(after_in_child=self._started.clear)

    def started(self) -> None:
        site = self._inside.site()
        if self._deferred:
            self._started[site] = self._started.get(site, 0) + 1
        else:
            self._inside.used(ThreadsSchedule.id, site)

    def taken_by_user(self) -> None:
        """The user's own code, two frames up, takes something as it comes."""
        if self._inside.caller_is_user(3):
            self.taken(self._inside.site())

    def taken(self, site: str | None) -> None:
        if site is not None:
            self._taken = True
            self._inside.used(ThreadsSchedule.id, site)

    def site(self) -> str | None:
        return self._inside.site()

    def flush(self) -> None:
        if not self._taken:
            for site, calls in self._started.items():
                self._inside.used(ThreadsSchedule.id, site, calls)
        self._started.clear()


def _watch_threads(uses: Uses) -> None:
    real = threading.Thread.start

    @functools.wraps(real)
    def start(self: threading.Thread) -> None:
        if not _primitives.carries_no_work(self):
            uses.started()
        real(self)

    threading.Thread.start = start  # type: ignore[method-assign]


def _watch_start(kind: Any, uses: Uses) -> None:
    real = kind.start

    @functools.wraps(real)
    def start(self: Any) -> None:
        if not serves_a_library(self):
            uses.started()
        real(self)

    kind.start = start


def _watch_submit(kind: Any, uses: Uses) -> None:
    real = kind.submit

    @functools.wraps(real)
    def submit(self: Any, *args: Any, **kwargs: Any) -> Any:
        uses.started()
        return real(self, *args, **kwargs)

    kind.submit = submit


class _Me(threading.local):
    """The calling thread's number; its identifier would be used again by a later one."""

    numbers = itertools.count()

    def __init__(self) -> None:
        self.number = next(self.numbers)


def _watch_queue(kind: Any, uses: Uses) -> None:
    """A queue that several threads fill is where their order enters."""
    put, get = kind.put, kind.get
    me = _Me()

    @functools.wraps(put)
    def put_watched(self: Any, *args: Any, **kwargs: Any) -> None:
        put(self, *args, **kwargs)
        try:
            self._reprotest_producers.add(me.number)
        except AttributeError:
            self._reprotest_producers = {me.number}

    @functools.wraps(get)
    def get_watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        item = get(self, *args, **kwargs)
        if len(getattr(self, "_reprotest_producers", ())) > 1:
            uses.taken_by_user()
        return item

    kind.put, kind.get = put_watched, get_watched


def _watch_process_queue(kind: Any, uses: Uses) -> None:
    """A queue between processes: who takes from it what it has not put in, takes it as it comes."""
    put, get = kind.put, kind.get

    @functools.wraps(put)
    def put_watched(self: Any, *args: Any, **kwargs: Any) -> None:
        self._reprotest_filled_here = True
        put(self, *args, **kwargs)

    @functools.wraps(get)
    def get_watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        item = get(self, *args, **kwargs)
        if not getattr(self, "_reprotest_filled_here", False) and _children() > 1:
            uses.taken_by_user()
        return item

    kind.put, kind.get = put_watched, get_watched


def _children() -> int:
    import multiprocessing

    return len(multiprocessing.process._children)  # type: ignore[attr-defined]


def _watch_unordered(kind: Any, uses: Uses) -> None:
    real = kind.imap_unordered

    @functools.wraps(real)
    def imap_unordered(self: Any, *args: Any, **kwargs: Any) -> Any:
        uses.taken(uses.site())
        return real(self, *args, **kwargs)

    kind.imap_unordered = imap_unordered
    for name in ("apply_async", "map_async", "starmap_async", "map", "starmap", "imap"):
        _count_start(kind, name, uses)


def _count_start(kind: Any, name: str, uses: Uses) -> None:
    real = getattr(kind, name)

    @functools.wraps(real)
    def submit(*args: Any, **kwargs: Any) -> Any:
        uses.started()
        return real(*args, **kwargs)

    setattr(kind, name, submit)


def _watch_futures(module: ModuleType, package: str, uses: Uses) -> None:
    real_completed, real_wait = module.as_completed, module.wait

    def noting(items: Iterator[Any], site: str | None) -> Iterator[Any]:
        for item in items:
            uses.taken(site)
            yield item
            del item

    @functools.wraps(real_completed)
    def as_completed(fs: Iterable[Any], timeout: float | None = None) -> Any:
        site = uses.site()
        if package == "asyncio":
            uses.taken(site)
            return real_completed(fs, timeout=timeout)
        return noting(real_completed(fs, timeout), site)

    @functools.wraps(real_wait)
    def wait(fs: Any, timeout: float | None = None, return_when: str = module.ALL_COMPLETED) -> Any:
        if return_when != module.ALL_COMPLETED:
            uses.taken(uses.site())
        return real_wait(fs, timeout=timeout, return_when=return_when)

    _pools.replace_in(module, package, wait=wait, as_completed=as_completed)


def _watch_loader(kind: Any, uses: Uses) -> None:
    real = kind.__iter__

    @functools.wraps(real)
    def iterate(self: Any) -> Any:
        if self.num_workers > 0 and not getattr(self, "in_order", True):
            uses.taken(uses.site())
        return real(self)

    kind.__iter__ = iterate
