"""Hands replicates to the workers of a Dask cluster, one pinned to each host, and does without those that are lost or late."""

from __future__ import annotations

import importlib
import logging
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reprotest.errors import UsageError
from reprotest.fleet import remote

_POLL = 0.2
_GRACE = 30.0
"""Seconds beyond a run's own time-out that a worker gets to answer."""
_CONNECT = 20


class Status(StrEnum):
    """What became of one replicate."""

    DONE = "done"
    FAILED = "failed"
    """The command, or the worker's installation."""
    LOST = "lost"
    """The worker is gone."""
    LATE = "late"
    """It did not answer in time."""


@dataclass(frozen=True)
class Target:
    """A worker: its address, the name that it has in the cluster, its host."""

    address: str
    name: str
    host: str


@dataclass(frozen=True)
class Answer:
    """One replicate's end. `result`: what `remote.replica` returned, when DONE; else `why`, a sentence."""

    target: Target
    status: Status
    result: dict[str, Any]
    why: str | None = None


@contextmanager
def connected(address: str | None, workers: int) -> Iterator[Any]:
    """A client of the cluster at an address ("tcp://host:8786", a scheduler file), or of a local one with so many workers.

    Raises:
        UsageError: Dask is not installed, or nothing answers there.
    """
    try:
        dask: Any = importlib.import_module("dask")
        distributed: Any = importlib.import_module("distributed")
    except ImportError as error:
        raise UsageError("fleet needs Dask: python -m pip install distributed") from error
    if address is None:
        # Dask's nannies would pin every library to one thread: a run is to be like one from the shell.
        with (
            dask.config.set({"distributed.nanny.pre-spawn-environ": {}}),
            distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                silence_logs=logging.ERROR,
            ) as local,
            distributed.Client(local) as client,
        ):
            yield client
        return
    given: dict[str, Any] = {"address": address} if "://" in address else {"scheduler_file": address}
    try:
        client = distributed.Client(**given, timeout=_CONNECT)
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(f"no Dask scheduler answers at {address}: {error or 'timed out'}; is it running?") from error
    with client:
        yield client


def targets(client: Any) -> list[Target]:
    """One worker of each host; all workers where there is one host only. Raises UsageError when there is none."""
    found = [
        Target(address, str(facts.get("name", address)), str(facts.get("host") or ""))
        for address, facts in _workers(client).items()
    ]
    found.sort(key=lambda target: (target.name, target.address))
    if not found:
        raise UsageError("the Dask cluster has no workers: start some (`dask worker tcp://…`)")
    by_host = {target.host: target for target in reversed(found)}
    return found if len(by_host) == 1 else sorted(by_host.values(), key=lambda t: t.host)


def gather(client: Any, chosen: list[Target], job: dict[str, Any], told: Callable[[Answer], None]) -> list[Answer]:
    """Run the job on every target and wait for all that still can answer.

    Args:
        client: of the cluster.
        chosen: where to run.
        job: as `remote.replica` takes it.
        told: called with each answer as it comes.
    """
    futures = {
        client.submit(
            remote.replica,
            job,
            workers=[target.address],
            allow_other_workers=False,
            pure=False,
            retries=0,
            key=f"reprotest-{job['fleet']}-{number}",
        ): target
        for number, target in enumerate(chosen)
    }
    answers: list[Answer] = []
    start = time.monotonic()
    try:
        while futures:
            alive = _workers(client)
            for future, target in list(futures.items()):
                answer = _answer(future, target, alive, job["timeout"], time.monotonic() - start)
                if answer is not None:
                    del futures[future]
                    answers.append(answer)
                    told(answer)
                    if answer.status in (Status.LOST, Status.LATE):
                        future.cancel(force=True)
            if futures:
                time.sleep(_POLL)
    finally:
        for future in futures:  # interrupted
            future.cancel(force=True)
        if futures or any(answer.status is Status.LATE for answer in answers):
            with suppress(Exception):  # what cannot be reached cannot be ended either
                client.run(remote.end, job["fleet"], on_error="ignore")
    order = [target.address for target in chosen]
    return sorted(answers, key=lambda answer: order.index(answer.target.address))


def new_name() -> str:
    """A name for one fleet's run."""
    return uuid.uuid4().hex[:12]


def _answer(future: Any, target: Target, alive: dict[str, Any], timeout: float | None, seconds: float) -> Answer | None:
    if future.status == "finished":
        result: dict[str, Any] = future.result()
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
    if future.status in ("lost", "cancelled") or target.address not in alive:
        return Answer(target, Status.LOST, {}, "the worker died, or lost its connection, in the middle of the run")
    if timeout is not None and seconds > timeout + _GRACE:
        return Answer(target, Status.LATE, {}, f"no answer after {seconds:.0f} s")
    return None


def _workers(client: Any) -> dict[str, Any]:
    """Workers by address, asked of the scheduler itself: what the client remembers may leave them out."""
    try:
        info = client.sync(client.scheduler.identity, n_workers=-1)
    except TypeError:  # before 2025
        info = client.sync(client.scheduler.identity)
    found: dict[str, Any] = info["workers"]
    return found
