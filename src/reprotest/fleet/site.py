"""What a worker holds for one session: a store of its own for a while, the files as they were, and the runs that were made there.

A site is opened by a task, lives in the worker's process while the client holds that task's future, and is used by further tasks, one at
a time. Should the client be gone, its processes are ended and the user's files put back; should the worker be killed, a small process
does the same (`run.guardian`).
"""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reprotest.diagnose.laboratory import Laboratory, Trial, finish
from reprotest.errors import ReprotestError
from reprotest.fleet.news import teller
from reprotest.fleet.remote import MARK, end
from reprotest.fleet.turns import left_behind, place
from reprotest.options import ProgressEvent
from reprotest.run.command import parse_command
from reprotest.run.guardian import guarded
from reprotest.run.state import State
from reprotest.run.store import Store
from reprotest.version import version

INLINE = 4 << 20
"""Bytes of a record that come with the answer; a larger record is fetched in parts of this size."""

_sites: dict[str, Site] = {}


def open_site(job: Mapping[str, Any]) -> dict[str, Any]:
    """Make ready on this worker.

    Args:
        job: "site" (its name, unlike any other), "key" (of this task, as Dask knows it), "kind" (a key of `kinds.KINDS`), "version",
            "words" (the command, a leading "--" included), "cwd" (must exist here too), "options" (keyword arguments of the kind's).

    Returns:
        "host" and "folder" (of `fleet.turns.Place`), or "failed" (why, in words).
    """
    from distributed import get_worker

    from reprotest.fleet.kinds import KINDS

    here = {"host": socket.gethostname()}
    if job["version"] != version():
        return {**here, "failed": f"reprotest is {version()} there and {job['version']} here: install the same version"}
    if not os.path.isdir(job["cwd"]):
        return {**here, "failed": f"there is no folder {job['cwd']} on this host: share it, or copy the project there"}
    worker: Any = get_worker()

    def tell(news: dict[str, Any]) -> None:
        worker.log_event(job["site"], {"news": news})  # Dask adds keys of its own

    try:
        site = KINDS[job["kind"]](job, tell)
    except ReprotestError as error:
        return {**here, "failed": str(error)}
    _sites[job["site"]] = site
    threading.Thread(target=_watch, args=(site, worker, job["key"]), daemon=True).start()
    return {**here, **asdict(place(job["cwd"]))}


def call(name: str, method: str, *arguments: Any) -> dict[str, Any]:
    """Use a site: {"value": what the method returned}, or {"failed": why}."""
    site = _sites.get(name)
    if site is None:
        return {"failed": "the session there was closed"}
    with site.busy:
        try:
            return {"value": getattr(site, method)(*arguments)}
        except (ReprotestError, OSError) as error:
            return {"failed": str(error)}
        except KeyboardInterrupt:
            return {"failed": "interrupted"}


def stop(name: str) -> None:
    """End what a site is doing. Whatever it has found it still says."""
    site = _sites.get(name)
    if site is not None:
        site.stop()


def close(name: str) -> dict[str, Any]:
    """Put back the user's files and remove what the site has made."""
    site = _sites.pop(name, None)
    if site is not None:
        with site.busy:
            site.close()
    return {}


def _watch(site: Site, worker: Any, key: str) -> None:
    """Close a site whose client has let go of it, or is gone: then the scheduler forgets the task that opened it."""
    while site.name in _sites:
        if key not in worker.state.tasks or worker.status.name not in ("running", "paused"):
            site.stop()
            close(site.name)
            return
        time.sleep(1.0)


class Site:
    """A command that can be run on this host, and its runs so far."""

    def __init__(self, job: Mapping[str, Any], tell: Callable[[dict[str, Any]], None]) -> None:
        """Raises CommandError, StorageError."""
        self.name: str = job["site"]
        self.busy = threading.RLock()
        self._stopped = False
        self._told = teller(tell)
        words = job["words"]
        program = words[0] == "--"
        self.command = parse_command(words[1:] if program else words, program=program, cwd=job["cwd"])
        self._stack = ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="reprotest-fleet-"))
        self._stack.enter_context(guarded(self.folder, f"{MARK}={self.name}", [self.folder]))
        self.store = Store(self.folder)
        (self.folder / "runs").mkdir()
        state = self._stack.enter_context(State(self.folder))
        self.lab = Laboratory(self.command, self.store, state, self._listen, env={MARK: self.name})

    def _listen(self, event: ProgressEvent) -> None:
        if self._stopped:
            raise KeyboardInterrupt
        self._told(event)

    def stop(self) -> None:
        """Called from another thread: the run that is going on is ended, and no other is begun."""
        self._stopped = True
        end(self.name)

    def close(self) -> None:
        """The last call."""
        self.lab.discard([])
        self._stack.close()

    def part(self, name: str, path: str, offset: int) -> bytes:
        """What a file of a record holds from there on, at most `INLINE` bytes."""
        with open(self.folder / "runs" / name / path, "rb") as file:
            file.seek(offset)
            return file.read(INLINE)

    def drop(self, name: str) -> None:
        """A record is not needed here any more."""
        for trial in self.lab.trials:
            if trial.replica.run_dir.name == name:
                self.lab.discard([other for other in self.lab.trials if other is not trial])
                return

    def packed(self, trial: Trial) -> dict[str, Any]:
        """A finished run, ready to travel: its facts and its sealed record, or the sizes of its files where it is large."""
        finish(trial.record)
        run_dir = trial.replica.run_dir
        sizes = {
            str(path.relative_to(run_dir)): path.stat().st_size for path in sorted(run_dir.rglob("*")) if path.is_file()
        }
        small = sum(sizes.values()) <= INLINE
        return {
            "name": run_dir.name,
            "ended": str(trial.replica.ended),
            "exit_code": trial.replica.exit_code,
            "seconds": trial.seconds,
            "left": left_behind(trial.record),
            "sizes": sizes,
            "files": {name: (run_dir / name).read_bytes() for name in sizes} if small else None,
        }
