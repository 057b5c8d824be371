"""The client's end of the sites of one session (`fleet.site`): opens them, uses them, brings records here, and closes them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from reprotest.diagnose.laboratory import Trial
from reprotest.errors import RecordError
from reprotest.fleet import once, site
from reprotest.fleet.bring import received
from reprotest.fleet.cluster import Target
from reprotest.fleet.crew import Answer, Crew, Status
from reprotest.fleet.news import heard
from reprotest.fleet.turns import Place, Turns
from reprotest.options import OnEvent
from reprotest.run.replicate import Ended, Replica
from reprotest.run.store import Store
from reprotest.version import version

_OPENING = 60.0
_CLOSING = 20.0
"""Seconds that all sites together get to put files back, before the session ends without them: they do it by themselves then."""
_PART = 120.0
"""Seconds that a part of a record may take."""


class Lost(Exception):
    """A worker with which a session goes on is gone."""


class Sites:
    """The workers of one session, each with a site.

    Args:
        client: of the cluster.
        kind: of the sites (`kinds.KINDS`).
        words: the command, a leading "--" included.
        cwd: the folder in which it runs, on every host.
        options: of the kind.
        store: where records are brought.
        on_event: told of what the sites tell.

    Attributes:
        open: the workers that can be used, in their order.
        hosts: the name that each one's machine gives itself.
    """

    def __init__(
        self,
        client: Any,
        kind: str,
        words: Sequence[str],
        cwd: str,
        options: Mapping[str, Any],
        store: Store,
        on_event: OnEvent,
    ) -> None:
        self.crew = Crew(client, once.new_name())
        self.open: list[Target] = []
        self.hosts: dict[Target, str] = {}
        self.turns = Turns({})
        self._client = client
        self._job = {"kind": kind, "words": list(words), "cwd": cwd, "options": dict(options), "version": version()}
        self._store = store
        self._on_event = on_event
        self._news: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._topics: list[str] = []
        self._numbers: dict[Target, int] = {}

    # --- opening and closing ------------------------------------------------------------------------------------

    def begin(self, chosen: Sequence[Target]) -> list[Answer]:
        """Open a site on each of these workers. Returns what those answered that have none."""
        for target in chosen:
            name = self._name(target)
            key = f"reprotest-{name}"
            self._client.subscribe_topic(name, lambda event: self._news.put(event[1]["news"]))
            self._topics.append(name)
            self.crew.begin(target, site.open_site, {**self._job, "site": name, "key": key}, timeout=_OPENING, key=key)
        failed, places = [], {}
        while self.crew.busy:
            for answer in self.wait():
                if answer.status is Status.DONE:
                    places[answer.target] = Place(answer.result["host"], answer.result["folder"])
                else:
                    failed.append(answer)
        self.open = [target for target in chosen if target in places]
        self.hosts = {target: places[target].host for target in self.open}
        self.turns = Turns(places)
        return failed

    def stop(self) -> None:
        """Have all sites end what they are doing; what they have found so far they still say."""
        threads = [threading.Thread(target=self._stop, args=(target,), daemon=True) for target in self.open]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5.0)

    def _stop(self, target: Target) -> None:
        with suppress(Exception):  # what cannot be reached cannot be stopped either
            self._client.run(site.stop, self._name(target), workers=[target.address], on_error="ignore")

    def close(self) -> None:
        """Have all sites put back the files and go. One that cannot be reached, or is still at something, does so by itself."""
        left = self.crew.abandon()
        if left:
            self.stop()
        for target in self.open:
            self.crew.begin(target, site.close, self._name(target))
        deadline = time.monotonic() + _CLOSING
        while self.crew.busy and time.monotonic() < deadline:
            self.crew.wait(1.0)
        self.crew.abandon()
        for name in self._topics:
            with suppress(Exception):
                self._client.unsubscribe_topic(name)
        self.open = []

    # --- using --------------------------------------------------------------------------------------------------

    def ask(self, target: Target, method: str, *arguments: Any, timeout: float | None = None) -> None:
        """Have an idle site do something; `wait` brings the answer."""
        self.crew.begin(target, site.call, self._name(target), method, *arguments, timeout=timeout)

    def wait(self, seconds: float | None = None) -> list[Answer]:
        """See `Crew.wait`; what the sites tell meanwhile is told on. A worker that is gone is not among `open` any more."""
        answers = self.crew.wait(seconds, self._listen)
        gone = {answer.target for answer in answers if answer.gone}
        for answer in answers:
            if answer.status is Status.LATE:  # it may still be at it
                threading.Thread(target=self._stop, args=(answer.target,), daemon=True).start()
        self.open = [target for target in self.open if target not in gone]
        return answers

    def do(self, target: Target, method: str, *arguments: Any, timeout: float | None = None) -> Any:
        """Have a site do something while all others are idle.

        Returns:
            What the method returns.

        Raises:
            Lost: it did not, and why.
        """
        assert not self.crew.busy
        self.ask(target, method, *arguments, timeout=timeout)
        [answer] = self.wait()
        if answer.status is not Status.DONE:
            raise Lost(f"{target.shown}: {answer.why}")
        return answer.result["value"]

    def stopped(self, target: Target) -> Any:
        """Have all sites end what they are doing, and return what that one has found until then; None when it does not say."""
        self.stop()
        answers = self.wait(_CLOSING)
        return next((a.result["value"] for a in answers if a.target == target and a.status is Status.DONE), None)

    def bring(self, target: Target, packed: Mapping[str, Any]) -> Trial:
        """A run that was made at a site, with its record in the store here.

        Raises:
            Lost: the worker went away before all of it was here.
            RecordError: what came is not what was sealed.
            StorageError: the store cannot be written.
        """
        name = str(packed["name"])
        files = packed["files"]
        parts = files.items() if files is not None else self._parts(target, name, packed["sizes"])
        record = received(name, parts, self._store)
        if files is None:
            with suppress(Exception):  # it is removed in the end anyway
                self._call(target, "drop", name)
        code = packed["exit_code"]
        try:
            ended = Ended(packed["ended"])
        except ValueError as error:
            raise RecordError(f"the record {name} says that it ended as {packed['ended']!r:.40}") from error
        replica = Replica(record.path, ended, None if code is None else int(code), float(packed["seconds"]))
        return Trial(replica, record)

    def _parts(self, target: Target, name: str, sizes: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
        for path, size in sizes.items():
            at = 0
            while at < size or (size == 0 and at == 0):
                content = self._call(target, "part", name, path, at)
                yield path, content
                at += len(content) or size + 1

    def _call(self, target: Target, method: str, *arguments: Any) -> Any:
        """A short call to an idle site, whatever others are doing."""
        name = self._name(target)
        future = self._client.submit(
            site.call, name, method, *arguments, workers=[target.address], allow_other_workers=False, pure=False, retries=0
        )  # fmt: skip
        try:
            answer: dict[str, Any] = future.result(timeout=_PART)
        except Exception as error:
            future.cancel(force=True)
            raise Lost(f"{target.shown}: the worker was gone before its record was here") from error
        if "failed" in answer:
            raise Lost(f"{target.shown}: {answer['failed']}")
        return answer["value"]

    def _listen(self) -> None:
        with suppress(queue.Empty):
            while True:
                event = heard(self._news.get_nowait())
                if event is not None:
                    self._on_event(event)

    def _name(self, target: Target) -> str:
        """Of a worker's site. All are of one length, as the environments of their runs are to be."""
        number = self._numbers.setdefault(target, len(self._numbers))
        return f"{self.crew.name}-{number:05d}"
