"""The workers of a cluster as the ground of `vary`: those whose reference is the same, bit for bit, answer questions side by side.

One worker makes the reference; every other one makes its own in the same way, and answers only if that comes out the same. So each
run is compared with a reference of the very host on which it was made, and it does not matter which host answers what. Workers that
would meet another one in the files that the command leaves are left alone (`fleet.turns`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from reprotest.compare.outcome import outcome
from reprotest.compare.platform import Platform, differing, platform
from reprotest.diagnose.laboratory import Trial
from reprotest.fleet import crew
from reprotest.fleet.cluster import Target
from reprotest.fleet.crew import Status
from reprotest.fleet.sites import Lost, Sites
from reprotest.result import Difference
from reprotest.run.store import Store
from reprotest.vary.bench import key_of
from reprotest.vary.host import Answer, Failed, Gone, OutOfBudget, Question, Unstable
from reprotest.vary.partial import Known
from reprotest.vary.result import Worker
from reprotest.vary.search import UNKNOWN

_TRIES = 2
"""Workers that may be lost over a question before it is given up."""
_PATIENCE = 10.0
"""A worker may take so many times as long for its reference as the first one did, and a minute more."""
_JOIN, _VOID = "join", "void"
"""What a worker may be at beside questions: making its reference; a question that nobody asks any more."""

Key = tuple[str, object]


class Pool:
    """See `vary.bench.Ground`.

    Args:
        sites: of the session; not opened yet.
        chosen: the workers that may take part, the first preferred.
        store: where records are brought.
    """

    def __init__(self, sites: Sites, chosen: Sequence[Target], store: Store) -> None:
        self.without: list[str] = []
        self.identity = False
        self._sites = sites
        self._chosen = list(chosen)
        self._store = store
        self._members: list[Target] = []
        self._workers: dict[Target, Worker] = {}
        self._brought: list[Trial] = []
        self._platform: Platform = {}
        self._digest = ""
        self._at: dict[Target, Question | str] = {}
        self._said: dict[Target, crew.Answer] = {}
        self._joiners: list[Target] = []
        self._patience = 0.0
        self._ahead: list[Question] = []
        self._answers: dict[Key, Answer | None] = {}
        self._tries: Counter[Key] = Counter()

    @property
    def places(self) -> int:
        """Workers that answer now, or will soon."""
        joining = sum(doing == _JOIN for doing in self._at.values())
        return max(len(self._members) + joining + len(self._joiners), 1)

    @property
    def workers(self) -> list[Worker]:
        """What became of each worker."""
        return [self._workers[target] for target in self._chosen if target in self._workers]

    # --- the reference ------------------------------------------------------------------------------------------

    def first(self, without: Sequence[str], *, identity: bool) -> Trial:
        """On the first worker that can. Raises Failed, when the command fails there or no worker can run it."""
        self.identity = identity
        for answer in self._sites.begin(self._chosen):
            self._note(answer.target, str(answer.status), answer.why)
        for target in list(self._sites.open):
            try:
                trial = self._made(target, "first", list(without), identity)
            except Lost as lost:
                self._note(target, "lost" if target not in self._sites.open else "failed", str(lost))
                continue
            self._members = [target]
            self._note(target, "used")
            return trial
        raise Failed("\n".join(["no worker of the cluster could run the command", *self._reasons()]))

    def anew(self) -> Trial:
        """On the same worker. Raises Failed, Gone."""
        self.identity = False
        return self._on_main("anew")

    def repeated(self, *, identity: bool) -> Trial:
        """On the first worker; the others begin to make their own. Raises Unstable, Gone."""
        self._members, self._joiners = self._members[:1], []
        self._answers.clear()
        self._tries.clear()
        self._at = dict.fromkeys(self._at, _VOID)
        self.identity = identity
        reference = self._on_main("repeated", identity)
        self._gather(reference)
        return reference

    def adopt(self, reference: Trial) -> None:
        """The workers make references of their own all the same: theirs must be on their machines. Raises Unstable, Gone."""
        self._on_main("repeated", self.identity)
        self._gather(reference)

    def _on_main(self, method: str, *arguments: Any) -> Trial:
        try:
            return self._made(self._main, method, *arguments)
        except Lost as lost:
            self._lose(self._main, "lost", str(lost))
            raise Gone(f"the worker that made the reference was lost: {lost}") from lost

    @property
    def _main(self) -> Target:
        if not self._members:
            raise Gone("\n".join(["no worker is left", *self._reasons()]))
        return self._members[0]

    def _made(self, target: Target, method: str, *arguments: Any) -> Trial:
        value = self._do(target, method, *arguments)
        self._raise(value)
        self.without = value["without"]
        self._sites.turns.learn(value["packed"]["left"])
        trial = self._sites.bring(target, value["packed"])
        self._brought.append(trial)
        return trial

    @staticmethod
    def _raise(value: dict[str, Any]) -> None:
        if "error" in value:
            raise Failed(value["error"])
        if "unstable" in value:
            raise Unstable(value["unstable"])

    def _gather(self, reference: Trial) -> None:
        """Have the other workers make their references."""
        self._digest, self._platform = outcome(reference.record).digest, platform(reference.record)
        self._patience = _PATIENCE * reference.seconds + 60
        taken = list(self._members)
        for target in self._sites.open:
            if target in taken:
                continue
            if self._sites.turns.alone(target, taken):
                left = "runs there would meet those of another worker in the files that the command leaves"
                self._note(target, "idle", left)
                continue
            taken.append(target)
            self._joiners.append(target)
        self._begin(())

    # --- questions ----------------------------------------------------------------------------------------------

    def ahead(self, questions: Sequence[Question]) -> None:
        """What idle workers may begin with."""
        self._ahead = list(questions)

    def ask(self, question: Question) -> Answer:
        """By whichever worker is idle. Raises OutOfBudget; Gone, when no worker is left."""
        key = _key(question)
        wanted = [question, *self._ahead]
        while key not in self._answers:
            self._begin(wanted)
            if not self._sites.crew.busy:
                raise Gone("\n".join(["no worker is left", *self._reasons()]))
            self._take()
        answer = self._answers.pop(key)
        if answer is None:
            raise OutOfBudget
        return answer

    def _begin(self, wanted: Sequence[Question]) -> None:
        """Give every idle worker the first question that nobody is at."""
        for target in [one for one in self._joiners if one not in self._sites.crew.busy]:
            self._joiners.remove(target)
            self._at[target] = _JOIN
            self._sites.ask(target, "join", self.without, self.identity, timeout=self._patience)
        begun = {_key(doing) for doing in self._at.values() if isinstance(doing, Question)}
        for target in self._members:
            if target in self._sites.crew.busy:
                continue
            fresh = (one for one in wanted if _key(one) not in begun and _key(one) not in self._answers)
            question = next((one for one in fresh if one.left is None or one.left > 0 or one is wanted[0]), None)
            if question is None:
                return
            begun.add(_key(question))
            self._at[target] = question
            self._sites.ask(target, "ask", question)

    def _take(self) -> None:
        """Wait for what comes next."""
        for answer in self._sites.wait():
            doing = self._at.pop(answer.target)
            if doing not in (_JOIN, _VOID) and not isinstance(doing, Question):
                self._said[answer.target] = answer
            elif answer.status is not Status.DONE:
                self._lose(answer.target, str(answer.status), answer.why)
                if isinstance(doing, Question):
                    self._again_elsewhere(doing)
            elif isinstance(doing, Question):
                self._answers[_key(doing)] = answer.result["value"]["answer"]
                worker = self._workers[answer.target]
                self._workers[answer.target] = replace(worker, runs=worker.runs + 1)
            elif doing == _JOIN:
                self._join(answer.target, answer.result["value"])

    def _join(self, target: Target, value: dict[str, Any]) -> None:
        """A worker has made its reference: is it the same?"""
        if "error" in value:
            self._note(target, "failed", value["error"])
        elif "unstable" in value:
            self._note(target, "other", "two runs with everything held differ there")
        elif value["without"] != self.without:
            self._note(target, "other", "the command does not run there with the same factors held")
        elif value["packed"]["digest"] != self._digest:
            theirs = value["packed"]["platform"]
            apart = [
                f"{f} {theirs.get(f)} instead of {self._platform.get(f)}" for f in differing(self._platform, theirs)
            ]
            why = f": {'; '.join(apart)}" if apart else ", though nothing that is recorded of it differs"
            self._note(target, "other", f"its reference is another one{why}")
        else:
            self._members.append(target)
            self._note(target, "used")

    def _again_elsewhere(self, question: Question) -> None:
        key = _key(question)
        self._tries[key] += 1
        if self._tries[key] >= _TRIES:
            self._answers[key] = Answer(Known(UNKNOWN, None, f"{_TRIES} workers were lost over it"), 0.0)

    def _do(self, target: Target, method: str, *arguments: Any) -> Any:
        """Something else, on this worker, as soon as it is idle. Raises Lost."""
        while target in self._sites.crew.busy:
            self._take()
        self._at[target] = method
        self._sites.ask(target, method, *arguments)
        while target not in self._said:
            self._take()
        answer = self._said.pop(target)
        if answer.status is not Status.DONE:
            raise Lost(f"{target.shown}: {answer.why}")
        return answer.result["value"]

    def again(self) -> Difference | None:
        """On one worker. Raises Gone."""
        return self._difference("again")

    def free(self) -> Difference | None:
        """On one worker. Raises Gone."""
        return self._difference("free")

    def _difference(self, method: str) -> Difference | None:
        while True:
            target = self._main
            try:
                found: Difference | None = self._do(target, method)["difference"]
                return found
            except Lost as lost:
                self._lose(target, "lost", str(lost))

    # --- the rest -----------------------------------------------------------------------------------------------

    def _lose(self, target: Target, status: str, why: str | None) -> None:
        self._members = [one for one in self._members if one != target]
        self._note(target, status, why)

    def _note(self, target: Target, status: str, why: str | None = None) -> None:
        known = self._workers.get(target)
        host = self._sites.hosts.get(target, target.host)
        self._workers[target] = Worker(target.shown, host, status, why, known.runs if known else 0)

    def _reasons(self) -> list[str]:
        return [f"{worker.name}: {worker.why}" for worker in self.workers if worker.why]

    def close(self, keep: Trial | None) -> None:
        """Close the sites; remove the records that came here but for one."""
        self._sites.close()
        for trial in self._brought:
            if trial is not keep:
                trial.record.close()
                self._store.remove(trial.replica.run_dir)


def _key(question: Question) -> Key:
    """Names a question: the combination, and what it is to be seen to its end for."""
    seen = question.seen
    return key_of(question.combination), None if seen is None else (seen.step, seen.phase, seen.name)
