"""The runs of one command on the sites of a cluster: spread over the hosts, brought here, and done without where they are lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from reprotest.diagnose.laboratory import Trial
from reprotest.errors import RecordError
from reprotest.fleet.cluster import Target
from reprotest.fleet.crew import GRACE, Answer, Status
from reprotest.fleet.sites import Lost, Sites
from reprotest.options import OnEvent, RunEnded, RunOptions, RunStarted
from reprotest.result import Host
from reprotest.run.replicate import Ended
from reprotest.run.store import Store

_TRIES = 2
"""Workers on which a run is tried before it is done without."""
_PATIENCE = 5.0
"""Without a time-out a run may take so many times as long as the first that was finished, and a minute more."""


@dataclass(frozen=True, eq=False)
class Replicate:
    """One finished run, brought here.

    Attributes:
        number: from 0, as `Session.run` takes it.
        target: the worker that made it.
        name: of its record.
        trial: the run.
    """

    number: int
    target: Target
    name: str
    trial: Trial


class Replicates:
    """Makes runs on sites.

    Attributes:
        made: the repeated runs, by number.
        hosts: where each of them was made, also those that did not come back.
        counts: how many runs each worker has finished.
    """

    def __init__(self, sites: Sites, options: RunOptions, store: Store, on_event: OnEvent) -> None:
        self.made: dict[int, Replicate] = {}
        self.hosts: list[Host] = []
        self.counts: Counter[Target] = Counter()
        self._sites = sites
        self._options = options
        self._store = store
        self._on_event = on_event
        self._further: list[Trial] = []

    @property
    def base(self) -> list[Replicate]:
        """The repeated runs in their order."""
        return [self.made[number] for number in sorted(self.made)]

    def repeat(self) -> None:
        """The repeated runs, as many as are asked for, on as many workers as there are."""
        for one in self._carry_out(dict.fromkeys(range(self._options.runs)), first=True):
            self.made[one.number] = one

    def again(self, wanted: Mapping[int, Target]) -> dict[int, Replicate]:
        """Further runs of these numbers, each on the worker that is named. One that is lost is missing."""
        return {one.number: one for one in self._carry_out(wanted, first=False)}

    def one(self, target: Target, env: Mapping[str, str | None]) -> Trial:
        """One more run on a worker while the others are idle, in a changed environment.

        Raises:
            Lost: it did not come back.
        """
        trial = self._sites.bring(target, self._sites.do(target, "run", 0, dict(env), timeout=self._options.timeout))
        self._further.append(trial)
        return trial

    def discard(self) -> None:
        """Remove the records of all runs but the repeated ones."""
        for trial in self._further:
            trial.record.close()
            self._store.remove(trial.replica.run_dir)

    # --- carrying out -------------------------------------------------------------------------------------------

    def _carry_out(self, wanted: Mapping[int, Target | None], *, first: bool) -> list[Replicate]:
        """Each run on the worker that is named, or on one that has had the fewest. One that is lost is tried once elsewhere, if it may be."""
        sites = self._sites
        waiting = list(wanted)
        given: Counter[Target] = Counter()
        tries: Counter[int] = Counter()
        at: dict[Target, int] = {}
        done = []
        while waiting or sites.crew.busy:
            for number in list(waiting):
                able = [t for t in sites.open if wanted[number] in (None, t)]
                target = self._next(able, given)
                if target is not None:
                    waiting.remove(number)
                    given[target] += 1
                    tries[number] += 1
                    at[target] = number
                    if first:
                        self._on_event(RunStarted(number + 1, self._options.runs, self._options.steps))
                    sites.ask(target, "run", number, timeout=self._options.timeout)
                elif not able:
                    waiting.remove(number)
            for answer in sites.wait():
                number = at.pop(answer.target)
                arrived = self._arrived(number, answer, first=first)
                if arrived is not None:
                    done.append(arrived)
                elif answer.gone and wanted[number] is None and tries[number] < _TRIES:
                    waiting.append(number)
        return done

    def _next(self, able: list[Target], given: Counter[Target]) -> Target | None:
        """Who is to make the next run; None: nobody can now. One that has made none yet is waited for, so that every host makes some."""
        busy = self._sites.crew.busy
        free = [target for target in able if self._sites.turns.may_begin(target, busy)]
        best = min(free, key=lambda target: given[target], default=None)
        if best is not None and given[best] and any(not given[t] for t in able if t not in busy):
            return None
        return best

    def _arrived(self, number: int, answer: Answer, *, first: bool) -> Replicate | None:
        target, status, why = answer.target, answer.status, answer.why
        trial = None
        if status is Status.DONE:
            packed = answer.result["value"]
            self._sites.turns.learn(packed["left"])
            try:
                trial = self._sites.bring(target, packed)
            except Lost as lost:
                status, why = Status.LOST, str(lost)
            except RecordError as error:
                status, why = Status.FAILED, str(error)
        if trial is not None and trial.replica.ended is Ended.TIMEOUT:
            self._further.append(trial)
            status, trial = Status.LATE, None
            why = f"it took longer than {self._options.timeout:g} s and was ended: give a longer --timeout"
        if first:
            seconds = round(trial.seconds, 3) if trial is not None else 0.0
            host = self._sites.hosts.get(target, "")
            self.hosts.append(Host(number + 1, target.shown, host, str(status), why, seconds))
        if trial is None:
            return None
        self.counts[target] += 1
        if self._sites.crew.patience is None:
            self._sites.crew.patience = _PATIENCE * trial.seconds + 60 + GRACE
        if first:
            self._on_event(RunEnded(number + 1, trial.seconds, trial.record.steps, trial.replica.exit_code))
        else:
            self._further.append(trial)
        return Replicate(number, target, trial.replica.run_dir.name, trial)
