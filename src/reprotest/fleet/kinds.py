"""What the sites of each verb can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reprotest.compare.outcome import outcome
from reprotest.compare.platform import platform
from reprotest.diagnose.session import Session
from reprotest.fleet.site import Site
from reprotest.fleet.turns import left_behind
from reprotest.options import RunOptions
from reprotest.vary.host import Answer, Failed, Host, OutOfBudget, Question, Unstable
from reprotest.vary.options import VaryOptions

Tell = Callable[[dict[str, Any]], None]


class RunSite(Site):
    """For `run`: replicates, and the diagnosis of two of them."""

    def __init__(self, job: Mapping[str, Any], tell: Tell) -> None:
        super().__init__(job, tell)
        self._options = RunOptions(**job["options"])
        self._session = Session(self.command, self._options, self.store, self.lab)

    def run(self, number: int, env: Mapping[str, str | None] | None = None) -> dict[str, Any]:
        """One replicate, as `Session.run`, packed."""
        return self.packed(self._session.run(number, env))

    def diagnose(self, first: str, other: str) -> dict[str, Any]:
        """Compare two replicates that were made here and find the cause. Returns the document of `run`."""
        by_name = {trial.replica.run_dir.name: trial for trial in self.lab.trials}
        session = self._session
        session.base = [by_name[first], by_name[other]]
        try:
            session.compare()
            if session.report.first_difference is not None:
                session.diagnose()
        except KeyboardInterrupt:
            session.report.interrupted = True
        return session.report.to_json()


class VarySite(Site):
    """For `vary`: a `vary.host.Host` of this machine.

    Each method returns a mapping: what it found, or "error" (how the command fails) or "unstable" (where two runs with everything held
    differ).
    """

    def __init__(self, job: Mapping[str, Any], tell: Tell) -> None:
        super().__init__(job, tell)
        self._host = Host(self.lab, VaryOptions(**job["options"]))

    def first(self, without: Sequence[str], identity: bool) -> dict[str, Any]:
        """ "packed": the first run with everything held; "without": what could not be held."""
        return self._tried(lambda: self.packed(self._host.first(without, identity=identity)))

    def anew(self) -> dict[str, Any]:
        """The same once more, with nothing known."""
        return self._tried(lambda: self.packed(self._host.anew()))

    def repeated(self, identity: bool) -> dict[str, Any]:
        """ "packed": the reference."""
        return self._tried(lambda: self.packed(self._host.repeated(identity=identity)))

    def join(self, without: Sequence[str], identity: bool) -> dict[str, Any]:
        """ "packed": what the reference of this machine, made as another machine has made its own, comes to, and what it "left"."""

        def work() -> dict[str, Any]:
            self._host.first(without, identity=identity)
            record = self._host.repeated(identity=identity).record
            return {"digest": outcome(record).digest, "platform": platform(record), "left": left_behind(record)}

        return self._tried(work)

    def ask(self, question: Question) -> dict[str, Any]:
        """ "answer": what came out; None when there was no time left to begin it."""
        try:
            answer: Answer | None = self._host.ask(question)
        except OutOfBudget:
            answer = None
        return {"answer": answer}

    def again(self) -> dict[str, Any]:
        """ "difference": of the reference from itself."""
        return {"difference": self._host.again()}

    def free(self) -> dict[str, Any]:
        """ "difference": of two runs with nothing held."""
        return {"difference": self._host.free()}

    def _tried(self, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            return {"packed": work(), "without": self._host.without}
        except Failed as failed:
            return {"error": str(failed)}
        except Unstable as unstable:
            return {"unstable": unstable.difference}


KINDS: dict[str, Callable[[Mapping[str, Any], Tell], Site]] = {"run": RunSite, "vary": VarySite}
"""By verb."""
