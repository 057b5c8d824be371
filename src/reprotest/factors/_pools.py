"""Makes pools, futures and loaders deliver in the order in which the work was handed in.

Pools of processes keep being processes but have one worker, which takes tasks in the order of their submission: neither which worker
gets a task nor which is ready first is then a matter of chance. Pools of threads keep their workers; the baton orders these.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from types import ModuleType
from typing import Any

from reprotest.factors._baton import Baton
from reprotest.factors.base import Inside

_PATIENCE = 30.0
"""Seconds for which the next future in order is waited for while a later one is done already; then any will do."""


def install(inside: Inside, baton: Baton, gave_up: Callable[[str], None]) -> None:
    """Replace them for everything that is imported from now on. `gave_up`: told in a sentence when an order could not be kept."""
    inside.on_import("concurrent.futures._base", lambda module: _order_futures(module, baton, gave_up))
    inside.on_import("concurrent.futures.process", lambda module: _one_worker(module.ProcessPoolExecutor))
    inside.on_import("multiprocessing.pool", _order_pool)
    for loky in ("joblib.externals.loky", "loky"):
        inside.on_import(f"{loky}.process_executor", lambda module: _one_worker(module.ProcessPoolExecutor))
        inside.on_import(f"{loky}.reusable_executor", _never_resize)
    inside.on_import("torch.utils.data.dataloader", _load_in_order)
    inside.on_import("asyncio.tasks", _order_asyncio)


def _one_worker(kind: type) -> None:
    real = kind.__init__  # type: ignore[misc]

    @functools.wraps(real)
    def init(self: Any, max_workers: int | None = None, *args: Any, **kwargs: Any) -> None:
        if max_workers is None or (isinstance(max_workers, int) and max_workers > 1):
            max_workers = 1
        real(self, max_workers, *args, **kwargs)

    kind.__init__ = init  # type: ignore[misc]


def _never_resize(module: ModuleType) -> None:
    """loky keeps one executor for the whole program and makes it as large as the last caller wants."""
    kind = module._ReusablePoolExecutor
    real = kind._resize

    @functools.wraps(real)
    def resize(self: Any, max_workers: int | None) -> Any:
        return real(self, 1 if max_workers is None or max_workers > 1 else max_workers)

    kind._resize = resize


def _order_pool(module: ModuleType) -> None:
    pool, threads = module.Pool, module.ThreadPool
    real = pool.__init__

    @functools.wraps(real)
    def init(self: Any, processes: int | None = None, *args: Any, **kwargs: Any) -> None:
        if not isinstance(self, threads) and (processes is None or (isinstance(processes, int) and processes > 1)):
            processes = 1
        real(self, processes, *args, **kwargs)

    @functools.wraps(pool.imap_unordered)
    def imap_unordered(self: Any, func: Any, iterable: Iterable[Any], chunksize: int = 1) -> Any:
        return self.imap(func, iterable, chunksize)

    pool.__init__ = init
    pool.imap_unordered = imap_unordered


def _load_in_order(module: ModuleType) -> None:
    kind = module.DataLoader
    real = kind.__init__

    @functools.wraps(real)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("in_order") is False:
            kwargs["in_order"] = True
        real(self, *args, **kwargs)

    kind.__init__ = init


# --- concurrent.futures -----------------------------------------------------------------------------------------


class InOrder(set[Any]):
    """A set of futures whose elements come in the order in which these were made, not in that of their addresses."""

    def __iter__(self) -> Iterator[Any]:
        return iter(sorted(set.__iter__(self), key=_serial))


def _serial(future: Any) -> int:
    """Its place in the order of creation; asyncio numbers its tasks itself, in their names."""
    number = getattr(future, "_reprotest_serial", None)
    if number is None:
        name = future.get_name() if hasattr(future, "get_name") else ""
        number = name[5:] if name.startswith("Task-") and name[5:].isdigit() else 0
    return int(number)


def _order_futures(module: ModuleType, baton: Baton, gave_up: Callable[[str], None]) -> None:
    real_init, real_wait, real_completed = module.Future.__init__, module.wait, module.as_completed
    serials = count(1)

    @functools.wraps(real_init)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        real_init(self, *args, **kwargs)
        self._reprotest_serial = next(serials)

    def first_done(fs: list[Any], timeout: float | None) -> Any:
        """The future that is next in order, done; None after the time-out."""
        following = fs[-1] if baton.variant % 2 else fs[0]
        if timeout is None and len(fs) > 1:
            done, _ = real_wait([following], _PATIENCE)
            while not done:
                if any(f.done() for f in fs):
                    gave_up(
                        f"a future was not done {_PATIENCE:.0f} seconds after a later one: futures were taken as they came"
                    )
                    done, _ = real_wait(fs, None, module.FIRST_COMPLETED)
                else:
                    done, _ = real_wait([following], _PATIENCE)
            return min(done, key=_serial)
        done, _ = real_wait([following], timeout)
        return following if done else None

    @functools.wraps(real_wait)
    def wait(fs: Iterable[Any], timeout: float | None = None, return_when: str = module.ALL_COMPLETED) -> Any:
        everyone = sorted(set(fs), key=_serial)
        if return_when == module.FIRST_COMPLETED and everyone and not baton.free:
            first = first_done(everyone, timeout)
            done = set() if first is None else {first}
            return module.DoneAndNotDoneFutures(InOrder(done), InOrder(set(everyone) - done))
        found, missing = real_wait(everyone, timeout, return_when)
        return module.DoneAndNotDoneFutures(InOrder(found), InOrder(missing))

    @functools.wraps(real_completed)
    def as_completed(fs: Iterable[Any], timeout: float | None = None) -> Iterator[Any]:
        everyone = sorted(set(fs), key=_serial)
        if baton.free:
            yield from real_completed(everyone, timeout)
            return
        total = len(everyone)
        clock = sys.modules["time"].monotonic
        end = None if timeout is None else clock() + timeout
        while everyone:
            left = None if end is None else max(0.0, end - clock())
            found = first_done(everyone, left)
            if found is None:
                raise module.TimeoutError(f"{len(everyone)} (of {total}) futures unfinished")
            everyone.remove(found)
            yield found
            del found

    module.Future.__init__ = init
    replace_in(module, "concurrent.futures", wait=wait, as_completed=as_completed)


def replace_in(module: ModuleType, package: str, **functions: Any) -> None:
    """Replace functions in the module that defines them and in the package that hands them on."""
    parent = sys.modules.get(package)
    for name, function in functions.items():
        setattr(module, name, function)
        if parent is not None and name in vars(parent):
            setattr(parent, name, function)


# --- asyncio ----------------------------------------------------------------------------------------------------


class _InTurn:
    """What asyncio.as_completed returns: an iterator of awaitables, from Python 3.13 on also an asynchronous one of the tasks."""

    def __init__(self, tasks: list[Any], wait: Any) -> None:
        self._tasks = iter(tasks)
        self._wait = wait

    def __iter__(self) -> _InTurn:
        return self

    __aiter__ = __iter__

    def __next__(self) -> Any:
        return self._result(next(self._tasks))

    async def __anext__(self) -> Any:
        task = next(self._tasks, None)
        if task is None:
            raise StopAsyncIteration
        await self._wait([task])
        return task

    async def _result(self, task: Any) -> Any:
        await self._wait([task])
        return task.result()


def _order_asyncio(module: ModuleType) -> None:
    real_wait, real_completed = module.wait, module.as_completed
    is_coroutine = module.coroutines.iscoroutine

    @functools.wraps(real_completed)
    def as_completed(fs: Any, *, timeout: float | None = None) -> Any:
        if timeout is not None or is_coroutine(fs) or module.futures.isfuture(fs):
            return real_completed(fs, timeout=timeout)
        loop = module.events.get_event_loop()
        tasks = [module.ensure_future(f, loop=loop) for f in dict.fromkeys(fs)]
        return _InTurn(sorted(tasks, key=_serial), real_wait)

    @functools.wraps(real_wait)
    async def wait(fs: Any, *, timeout: float | None = None, return_when: str = module.ALL_COMPLETED) -> Any:
        if is_coroutine(fs) or module.futures.isfuture(fs):
            return await real_wait(fs, timeout=timeout, return_when=return_when)
        everyone = sorted(dict.fromkeys(fs), key=_serial)
        if return_when == module.FIRST_COMPLETED and everyone and not any(is_coroutine(f) for f in everyone):
            done, _ = await real_wait(everyone[:1], timeout=timeout)
            missing = set(everyone) - done
        else:
            done, missing = await real_wait(everyone, timeout=timeout, return_when=return_when)
        return InOrder(done), InOrder(missing)

    replace_in(module, "asyncio", wait=wait, as_completed=as_completed)
