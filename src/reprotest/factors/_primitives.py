"""What threads do with one another, under the baton: start, join, sleep, look whether something is there, take from a queue."""

from __future__ import annotations

import functools
import os
import sys
import threading
import time
from types import FrameType, ModuleType
from typing import Any

from reprotest.factors._baton import Baton, Managed
from reprotest.factors._locks import Lock, RLock
from reprotest.factors._turns import Turns
from reprotest.factors.base import Inside

_UNMANAGED = (
    "asyncio.unix_events",
    "botocore",
    "comet_ml",
    "concurrent.futures.process",
    "filelock",
    "fsspec",
    "huggingface_hub",
    "ipykernel",
    "joblib.externals.loky",
    "logging.handlers",
    "loky",
    "mlflow",
    "multiprocessing.managers",
    "multiprocessing.queues",
    "multiprocessing.resource_sharer",
    "neptune",
    "opentelemetry",
    "prometheus_client",
    "reprotest",
    "s3transfer",
    "sentry_sdk",
    "tensorboard",
    "torch._dynamo",
    "torch._inductor",
    "torch.distributed",
    "torch.utils.data",
    "tqdm",
    "wandb",
)
"""Modules whose threads serve a library and carry none of the program's work; they are left alone."""


def install(inside: Inside, baton: Baton, turns: Turns) -> None:
    """Replace the primitives of this process for everything that is imported from now on."""
    Lock.baton = RLock.baton = baton
    threading.Lock = Lock  # type: ignore[assignment]
    threading._allocate_lock = Lock  # type: ignore[attr-defined]
    threading.RLock = RLock  # type: ignore[assignment]
    _replace_sleep(baton, turns)
    _replace_threads(baton)
    threading._register_atexit(lambda: _finish(baton))  # type: ignore[attr-defined]
    os.register_at_fork(after_in_child=baton.reset)
    inside.on_import("queue", lambda module: _replace_queues(module, baton))
    inside.on_import("concurrent.futures._base", lambda module: _pauses(module.Future, baton, "done"))
    inside.on_import("multiprocessing.pool", lambda module: _pauses(module.ApplyResult, baton, "ready"))


# --- time and threads -------------------------------------------------------------------------------------------


def _replace_sleep(baton: Baton, turns: Turns) -> None:
    real = time.sleep

    @functools.wraps(real)
    def sleep(seconds: float, /) -> None:
        me = baton.me()
        if not isinstance(seconds, (int, float)) or not seconds >= 0:
            real(seconds)
        elif me is None:
            with turns.asleep(seconds):
                real(seconds)
        elif seconds == 0:
            baton.pause()
        elif baton.wait(me, None, seconds) is None:
            real(seconds)

    time.sleep = sleep  # type: ignore[assignment]


def carries_no_work(thread: threading.Thread) -> bool:
    """Is it one of a library's own helper threads?"""
    target = getattr(thread, "_target", None)
    home = getattr(target, "__module__", None) or type(thread).__module__
    if (
        home == "multiprocessing.pool"
    ):  # the helpers of a thread pool are part of its schedule, those of a process pool are not
        frame: FrameType | None = sys._getframe(2)
        for _ in range(4):
            if frame is not None and isinstance(frame.f_locals.get("self"), sys.modules[home].ThreadPool):
                return False
            frame = frame.f_back if frame is not None else None
        return getattr(target, "__name__", "") != "worker"
    return home.startswith(_UNMANAGED)


def _replace_threads(baton: Baton) -> None:
    kind = threading.Thread
    start, join, is_alive, is_set = kind.start, kind.join, kind.is_alive, threading.Event.is_set

    @functools.wraps(start)
    def start_managed(self: threading.Thread) -> None:
        if not baton.manages_caller() or carries_no_work(self):
            start(self)
            return
        managed = baton.adopt(self.daemon)
        starter = baton.me()
        run = self.run

        def run_managed() -> None:
            self.__dict__.pop("run", None)
            if own is not None:
                self.run = own  # type: ignore[method-assign]
            baton.enter(managed)
            try:
                run()
            finally:
                baton.leave(managed)

        own = self.__dict__.get("run")
        self.run = run_managed  # type: ignore[method-assign]
        self._reprotest = managed  # type: ignore[attr-defined]
        if starter is not None:
            starter.native += 1  # `start` waits for the new thread's first sign of life, before that needs the baton
        try:
            start(self)
        except BaseException:
            baton.disown(managed)
            self.__dict__.pop("run", None)
            raise
        finally:
            if starter is not None:
                starter.native -= 1

    def managed_of(thread: threading.Thread) -> Managed | None:
        return thread.__dict__.get("_reprotest")

    @functools.wraps(join)
    def join_managed(self: threading.Thread, timeout: float | None = None) -> None:
        managed, me = managed_of(self), baton.me()
        if me is not None and managed is not me:
            if managed is not None:
                came = managed.state == "done" or baton.wait(me, lambda: managed.state == "done", timeout)
            elif self.ident is not None:
                came = not is_alive(self) or baton.wait(me, lambda: not is_alive(self), timeout, external=True)
            else:
                came = True
            if came is False:
                return
            timeout = None if came else timeout
        join(self, timeout)

    @functools.wraps(is_alive)
    def is_alive_managed(self: threading.Thread) -> bool:
        managed = managed_of(self)
        if managed is not None and managed.state == "done" and baton.manages_caller():
            join(self)  # nothing of the program runs in it any more; its end must not be a question of time
            return False
        alive = is_alive(self)
        if alive and managed is not baton.me():
            baton.pause()
        return alive

    @functools.wraps(is_set)
    def is_set_pausing(self: threading.Event) -> bool:
        found = is_set(self)
        if not found:
            baton.pause()
        return found

    kind.start = start_managed  # type: ignore[method-assign]
    kind.join = join_managed  # type: ignore[method-assign]
    kind.is_alive = is_alive_managed  # type: ignore[method-assign]
    threading.Event.is_set = is_set_pausing  # type: ignore[method-assign]


def _finish(baton: Baton) -> None:
    """At the program's end: the interpreter is about to wait for all threads, so let them run."""
    me = baton.me()
    if me is not None:
        baton.wait(me, baton.all_done)


def _pauses(kind: type, baton: Baton, name: str) -> None:
    """Asking in vain whether something is done lets others run."""
    real = getattr(kind, name)

    @functools.wraps(real)
    def ask(self: Any, *args: Any) -> Any:
        answer = real(self, *args)
        if not answer:
            baton.pause()
        return answer

    setattr(kind, name, ask)


# --- queues -----------------------------------------------------------------------------------------------------


def _replace_queues(module: ModuleType, baton: Baton) -> None:
    real_queue, Empty = module.SimpleQueue, module.Empty

    class SimpleQueue:
        """queue.SimpleQueue under the baton."""

        __slots__ = ("__weakref__", "_real")

        def __init__(self) -> None:
            self._real = real_queue()

        def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
            self._real.put(item)

        def get(self, block: bool = True, timeout: float | None = None) -> Any:
            me = baton.me()
            if me is None or (timeout is not None and timeout < 0):
                return self._real.get(block, timeout)
            while True:
                try:
                    item = self._real.get(False)
                except Empty:
                    if not block:
                        baton.pause()
                        raise
                else:
                    if baton.variant:
                        baton.pause()  # in another schedule, somebody else comes next
                    return item
                came = baton.wait(me, self._filled, timeout)
                if came is None:
                    return self._real.get(block, timeout)
                if not came:
                    block = False

        def put_nowait(self, item: Any) -> None:
            self._real.put(item)

        def get_nowait(self) -> Any:
            return self.get(False)

        def _filled(self) -> bool:
            return not self._real.empty()

        def empty(self) -> bool:
            nothing: bool = self._real.empty()
            if nothing:
                baton.pause()
            return nothing

        def qsize(self) -> int:
            return int(self._real.qsize())

        __class_getitem__ = classmethod(lambda cls, _: cls)

    SimpleQueue.__module__ = real_queue.__module__
    module.SimpleQueue = SimpleQueue  # type: ignore[attr-defined]
    get = module.Queue.get

    @functools.wraps(get)
    def get_pausing(self: Any, block: bool = True, timeout: float | None = None) -> Any:
        try:
            item = get(self, block, timeout)
        except Empty:
            if not block:
                baton.pause()
            raise
        if baton.variant:
            baton.pause()
        return item

    module.Queue.get = get_pausing
    empty = module.Queue.empty

    @functools.wraps(empty)
    def empty_pausing(self: Any) -> bool:
        nothing: bool = empty(self)
        if nothing:
            baton.pause()
        return nothing

    module.Queue.empty = empty_pausing
