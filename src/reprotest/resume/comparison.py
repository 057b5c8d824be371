"""Compares the three runs: does the first part do what the full run does, and does the second part go on where it stopped?"""

from __future__ import annotations

from dataclasses import replace

from reprotest.diagnose.laboratory import Trial
from reprotest.record import Record
from reprotest.result import Difference
from reprotest.resume.align import Start, find_start
from reprotest.resume.runs import Runs
from reprotest.resume.steps import Outcome, compare


class Comparison:
    """What the runs of one resumption are compared by.

    Attributes:
        start: where in the full run the resumed one begins; None: not found yet.
        stream: the process and thread that it was found in.
    """

    def __init__(self, runs: Runs) -> None:
        self.start: Start | None = None
        self.stream = "main"
        self._runs = runs

    def before_the_stop(self) -> Difference | None:
        """Does the first command do what the full one does, as far as it goes?"""
        full, first = self._runs.base["full"].record, self._runs.base["first"].record
        if self._runs.saves_at_end:
            return None
        for stream in first.streams:
            if stream not in full.streams:
                continue
            found = compare(full, first, stream, 0, until=first.steps, saved=self._runs.by_saves).difference
            if found is not None:
                note = (
                    "already before the stop the first command does not do what the full one does: either the program does not "
                    "repeat (try `run`), or something in it depends on how long it is to train (a schedule)"
                )
                return replace(found, note=f"{found.note}; {note}" if found.note else note)
        return None

    def after_the_stop(self, second: Trial) -> Outcome:
        """Does a resumed run go on as the full one does? The first that is asked of also says where, for all that come later."""
        full = self._runs.base["full"].record
        outcomes = []
        for key, stream in second.record.streams.items():
            if key not in full.streams:
                continue
            hint = self._runs.base["first"].record.steps - (1 if self._runs.saves_at_end else 0)
            start = find_start(full.streams[key], stream, hint)
            if start is None:
                continue
            outcome = compare(full, second.record, key, start.frame, saved=self._runs.by_saves)
            found = outcome.difference
            if not start.exact and found is not None:
                found = replace(found, note=_not_exact(found))
            if found is not None and found.kind in ("length", "extra"):
                found = replace(found, step=start.step + outcome.steps)
            outcomes.append((start, key, Outcome(found, outcome.steps)))
        if not outcomes:
            return Outcome(None, 0)
        start, key, outcome = min(outcomes, key=lambda o: (o[2].difference is None, o[2].steps))
        if self.start is None:
            self.start, self.stream = start, key
        return outcome

    def measured(self, full: Record, known: Difference) -> Difference:
        """The same difference with its size, where a run that kept the values of that step shows it."""
        assert self.start is not None
        if self.stream not in full.streams or known.max_abs is not None:
            return known
        second = self._runs.base["second"].record
        found = compare(full, second, self.stream, self.start.frame, until=1).difference
        if found is not None and (found.step, found.phase, found.name) == (known.step, known.phase, known.name):
            return replace(found, note=known.note or found.note)
        return known


def _not_exact(found: Difference) -> str:
    said = "the parameters with which the resumed run begins are those of no step of the full run: the checkpoint does not hold them all"
    return f"{found.note}; {said}" if found.note else said
