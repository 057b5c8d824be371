"""A Dask cluster: reaching one, or starting a local one, and choosing the workers that stand for its hosts."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from reprotest.errors import UsageError

LOCAL = "local"
_CONNECT = 20


@dataclass(frozen=True)
class Target:
    """A worker: its address, the name that it has in the cluster, its host."""

    address: str
    name: str
    host: str

    @property
    def shown(self) -> str:
        """Names it for people; those of a local cluster are mere numbers."""
        return f"worker {self.name}" if self.name.isdigit() else self.name


@contextmanager
def connected(address: str | None, workers: int) -> Iterator[Any]:
    """A client of the cluster at an address ("tcp://host:8786", a scheduler file), or of a local one with so many workers.

    Args:
        address: "local", or None, for a local one.
        workers: of a local one.

    Raises:
        UsageError: Dask is not installed, or nothing answers there.
    """
    try:
        dask: Any = importlib.import_module("dask")
        distributed: Any = importlib.import_module("distributed")
    except ImportError as error:
        raise UsageError("a cluster needs Dask: python -m pip install distributed") from error
    if address is None or address == LOCAL:
        # Dask's nannies would pin every library to one thread: a run is to be like one from the shell.
        with (
            dask.config.set({"distributed.nanny.pre-spawn-environ": {}}),
            distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",  # None would be port 8787, taken or not
                silence_logs=logging.CRITICAL,  # what fails is raised here; the rest are complaints of workers about being closed
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
        for address, facts in workers(client).items()
    ]
    found.sort(key=lambda target: (target.name, target.address))
    if not found:
        raise UsageError("the Dask cluster has no workers: start some (`dask worker tcp://…`)")
    by_host = {target.host: target for target in reversed(found)}
    return found if len(by_host) == 1 else sorted(by_host.values(), key=lambda t: t.host)


def workers(client: Any) -> dict[str, Any]:
    """Workers by address, asked of the scheduler itself: what the client remembers may leave them out."""
    try:
        info = client.sync(client.scheduler.identity, n_workers=-1)
    except TypeError:  # before 2025
        info = client.sync(client.scheduler.identity)
    found: dict[str, Any] = info["workers"]
    return found
