"""Answers what the search asks: from what is known, or by a run; everything that was found out is remembered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from reprotest.diagnose.laboratory import Trial
from reprotest.result import Difference
from reprotest.vary import result
from reprotest.vary.host import Answer, OutOfBudget, Question, said
from reprotest.vary.partial import Detail, Known, Partial
from reprotest.vary.search import SAME, Combination
from reprotest.vary.variations import Variation


class Ground(Protocol):
    """Where runs are made: this machine (`vary.host.Host`, where each method is described), or several like each other."""

    without: list[str]
    identity: bool

    @property
    def places(self) -> int: ...
    def first(self, without: Sequence[str], *, identity: bool) -> Trial: ...
    def anew(self) -> Trial: ...
    def repeated(self, *, identity: bool) -> Trial: ...
    def adopt(self, reference: Trial) -> None: ...
    def ahead(self, questions: Sequence[Question]) -> None: ...
    def ask(self, question: Question) -> Answer: ...
    def again(self) -> Difference | None: ...
    def free(self) -> Difference | None: ...
    def close(self, keep: Trial | None) -> None: ...


class Bench:
    """The questions of one search.

    Args:
        ground: where runs are made; it has a reference.
        partial: where outcomes are remembered.
        deadline: `time.monotonic()` after which no run is begun; None: no limit.

    Attributes:
        rows: what was found out, in its order.
        expected: how many runs it will take, at a guess.
        resumed: how many of the rows were known.
        foresee: what will likely be asked next; for a ground with several places.
    """

    def __init__(self, ground: Ground, partial: Partial, deadline: float | None) -> None:
        self.rows: list[result.Trial] = []
        self.expected = 0
        self.resumed = 0
        self.foresee: Callable[[int], Iterable[Combination]] = lambda most: ()
        self._ground = ground
        self._partial = partial
        self._deadline = deadline

    def ask(self, combination: Combination) -> str:
        """The outcome of a run under these variations. One of a single variation goes to its end when it is known to differ.

        Raises:
            OutOfBudget: it is not known, and there is no time to find out.
        """
        key = key_of(combination)
        known = self._partial.outcomes.get(key)
        if known is not None:
            if not any(row.what == said(combination) for row in self.rows):
                self._row(combination, known, 0.0)
                self.resumed += 1
            return known.outcome
        places = self._ground.places
        if places > 1:
            self._ground.ahead([self._question(one) for one in self.foresee(2 * places)])
        answer = self._answer(self._question(combination))
        self._partial.outcomes[key] = answer.known
        self._partial.write()
        self._row(combination, answer.known, answer.seconds)
        return answer.known.outcome

    def again(self, combination: Combination) -> str:
        """The outcome of another run under these variations, which counts from now on. Raises OutOfBudget."""
        self._partial.outcomes.pop(key_of(combination), None)
        return self.ask(combination)

    def details(self, variations: Sequence[Variation]) -> list[Variation]:
        """See to their ends those that are known to differ.

        Returns:
            Those of them that did not differ in two further runs.

        Raises:
            OutOfBudget: there is no time left.
        """
        wanted = []
        for variation in variations:
            difference = self.difference(frozenset({variation}))
            whole = difference is not None and difference.kind not in ("exit", "died")
            if whole and self._partial.detail(variation.key) is None:
                wanted.append((variation, self._question(frozenset({variation}), difference)))
        refuted = []
        for number, (variation, question) in enumerate(wanted):
            self._ground.ahead([question for _, question in wanted[number:]])
            answer = self._answer(question)
            if answer.known.outcome == SAME and self.again(frozenset({variation})) == SAME:
                refuted.append(variation)
            self._partial.write()
        return refuted

    def detail(self, variation: Variation) -> Detail:
        """How a variation differs that is known to, as far as it was seen."""
        known = self._partial.outcomes.get(variation.key)
        return self._partial.detail(variation.key) or Detail(known.difference if known else None, result.Final())

    def known(self, combination: Combination) -> str | None:
        """The outcome of a run under these variations; None when it is not known."""
        known = self._partial.outcomes.get(key_of(combination))
        return known.outcome if known is not None else None

    def difference(self, combination: Combination) -> Difference | None:
        """Where a run under these variations differed first."""
        known = self._partial.outcomes.get(key_of(combination))
        return known.difference if known is not None else None

    def note(self, variation: Variation) -> str:
        """Why the program did not run under a variation."""
        known = self._partial.outcomes.get(key_of(frozenset({variation})))
        return (known.note if known is not None else None) or "the program does not run under it"

    # --- one question -------------------------------------------------------------------------------------------

    def _question(self, combination: Combination, seen: Difference | None = None) -> Question:
        if seen is None and len(combination) == 1:
            seen = self._seen(next(iter(combination)))
        number = len(self.rows) + 1
        left = None if self._deadline is None else max(self._deadline - time.monotonic(), 0.0)
        return Question(combination, seen, number, max(number, self.expected) or None, left)

    def _answer(self, question: Question) -> Answer:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise OutOfBudget
        answer = self._ground.ask(question)
        if answer.detail is not None:
            self._partial.details[key_of(question.combination)] = answer.detail
        return answer

    def _seen(self, variation: Variation) -> Difference | None:
        """The difference of an earlier run under this variation and others."""
        for key, known in self._partial.outcomes.items():
            if variation.key in key.split("|") and known.outcome == "different" and known.difference is not None:
                return known.difference if known.difference.kind not in ("exit", "died") else None
        return None

    def _row(self, combination: Combination, known: Known, seconds: float) -> None:
        self.rows.append(
            result.Trial(said(combination), known.outcome, round(seconds, 3), known.difference, known.note)
        )


def key_of(combination: Combination) -> str:
    """Names a combination in files."""
    return "|".join(sorted(variation.key for variation in combination))
