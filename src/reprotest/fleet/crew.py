"""Has workers do one thing each at a time, and tells what became of it; those that are lost or late are told of, not waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reprotest.fleet.cluster import Target, workers

_POLL = 0.1
_LOOK = 1.0
"""Seconds between two questions to the scheduler, which workers are still there."""
GRACE = 30.0
"""Seconds beyond a run's own time-out that a worker gets to answer."""


class Status(StrEnum):
    """What became of a task."""

    DONE = "done"
    FAILED = "failed"
    """The command, or the worker's installation."""
    LOST = "lost"
    """The worker is gone."""
    LATE = "late"
    """It did not answer in time."""


@dataclass(frozen=True)
class Answer:
    """The end of one task. `result`: what the function returned, when DONE; else `why`, a sentence."""

    target: Target
    status: Status
    result: dict[str, Any]
    why: str | None = None

    @property
    def gone(self) -> bool:
        """Is nothing to be expected of this worker any more?"""
        return self.status in (Status.LOST, Status.LATE)


@dataclass
class _Task:
    future: Any
    began: float
    timeout: float | None


class Crew:
    """The workers of one session.

    Args:
        client: of the cluster.
        name: of the session.
    """

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name
        self.patience: float | None = None
        """Seconds that a task without a time-out of its own may take."""
        self._tasks: dict[Target, _Task] = {}
        self._kept: list[Any] = []
        self._number = 0
        self._alive: dict[str, Any] = {}
        self._looked = 0.0

    @property
    def busy(self) -> set[Target]:
        """The workers that are at something."""
        return set(self._tasks)

    def begin(
        self,
        target: Target,
        function: Callable[..., dict[str, Any]],
        *arguments: Any,
        timeout: float | None = None,
        key: str | None = None,
    ) -> None:
        """Have an idle worker call a function that returns a mapping; one with "failed" (why, in words) counts as FAILED.

        Args:
            target: which worker.
            function, arguments: what to call.
            timeout: seconds, and half a minute more, after which it is LATE.
            key: under which Dask is to know the task, and to remember it for as long as this object is there.
        """
        assert target not in self._tasks
        self._number += 1
        kept, key = key is not None, key or f"reprotest-{self.name}-{self._number}"
        future = self.client.submit(
            function, *arguments, workers=[target.address], allow_other_workers=False, pure=False, retries=0, key=key
        )
        self._tasks[target] = _Task(future, time.monotonic(), None if timeout is None else timeout + GRACE)
        if kept:
            self._kept.append(future)

    def wait(self, seconds: float | None = None, between: Callable[[], None] = lambda: None) -> list[Answer]:
        """Wait until one worker or more has an answer, and return those; none when all are idle, or after so many seconds.

        Args:
            seconds: to wait at most.
            between: called again and again meanwhile.
        """
        start = time.monotonic()
        while self._tasks:
            if time.monotonic() - self._looked > _LOOK:
                self._alive, self._looked = workers(self.client), time.monotonic()
            found = [answer for target in list(self._tasks) if (answer := self._answer(target)) is not None]
            between()
            if found or (seconds is not None and time.monotonic() - start > seconds):
                return found
            time.sleep(_POLL)
        return []

    def do(
        self, target: Target, function: Callable[..., dict[str, Any]], *arguments: Any, timeout: float | None = None
    ) -> Answer:
        """Call a function on an idle worker while all others are idle, and wait for it."""
        assert not self._tasks
        self.begin(target, function, *arguments, timeout=timeout)
        [answer] = self.wait()
        return answer

    def abandon(self) -> list[Target]:
        """Give up everything that is going on. Returns the workers that were at something."""
        left = list(self._tasks)
        for task in self._tasks.values():
            task.future.cancel(force=True)
        self._tasks.clear()
        return left

    def _answer(self, target: Target) -> Answer | None:
        task = self._tasks[target]
        answer = self._judged(target, task)
        if answer is not None:
            del self._tasks[target]
            if answer.gone:
                task.future.cancel(force=True)
        return answer

    def _judged(self, target: Target, task: _Task) -> Answer | None:
        future = task.future
        if future.status == "finished":
            try:
                result: dict[str, Any] = future.result(timeout=GRACE)
            except Exception:  # it died between the end of the task and the transfer
                return Answer(target, Status.LOST, {}, "the worker died before its result was here")
            if result.get("failed"):
                return Answer(target, Status.FAILED, result, str(result["failed"]))
            return Answer(target, Status.DONE, result)
        if future.status == "error":
            error = future.exception()
            if type(error).__name__ == "KilledWorker":
                return Answer(target, Status.LOST, {}, "the worker died in the middle of the run")
            if isinstance(error, ImportError):
                return Answer(target, Status.FAILED, {}, f"{error}: install this version of reprotest on that host")
            return Answer(target, Status.FAILED, {}, f"{type(error).__name__}: {error}")
        if future.status in ("lost", "cancelled") or target.address not in self._alive:
            return Answer(target, Status.LOST, {}, "the worker died, or lost its connection, in the middle of the run")
        seconds = time.monotonic() - task.began
        timeout = task.timeout or self.patience
        if timeout is not None and seconds > timeout:
            return Answer(target, Status.LATE, {}, f"no answer after {seconds:.0f} s")
        return None
