"""Which combinations of variations to try, until each is judged: harmless, changing the result by itself, or only beside others.

Greedy, as `reprotest --auto-build` of Debian: what has shown to be harmless stays switched on while the others are tried, so that
variations which change the result only together are found too. Unlikely variations are tried many at a time; where a combination
differs it is halved until the guilty one stands alone, and is then tried without the harmless ones. If it is harmless by itself after all,
the harmless ones are halved in their turn until those are left without which nothing changes.

A few variations conceal others, as a warm cache does from which a program takes what it would else compute. They are judged apart.

The search knows nothing of runs: it asks for the outcome of a combination, and gives the same questions for the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import zip_longest

from reprotest.vary.variations import Variation

Combination = frozenset[Variation]
SAME, OTHER, UNKNOWN = "identical", "different", "inconclusive"
Ask = Callable[[Combination], str]
"""The outcome of one run under these variations: SAME, OTHER, or UNKNOWN when the program does not run under them."""


@dataclass
class Judged:
    """What the search has found.

    Attributes:
        sensitive: each variation that changes the result, with those beside which alone it does (none: by itself).
        harmless: variations that were on while the result stayed the same.
        unknown: variations under which the program does not run.
    """

    sensitive: dict[Variation, Combination] = field(default_factory=dict)
    harmless: list[Variation] = field(default_factory=list)
    unknown: list[Variation] = field(default_factory=list)

    def copy(self) -> Judged:
        """The same, for trying out what comes next."""
        return Judged(dict(self.sensitive), list(self.harmless), list(self.unknown))


def search(variations: Sequence[Variation], ask: Ask, judged: Judged) -> None:
    """Judge all variations, in their order. What is judged so far stands in `judged` also when `ask` raises."""
    for group in groups(variations):
        _judge(group, ask, judged)


def upcoming(
    variations: Sequence[Variation], judged: Judged, known: Callable[[Combination], str | None], most: int
) -> list[Combination]:
    """The questions that a search is likely to ask next, so that they can be worked at side by side.

    The next one is certain. What follows is guessed: most variations change nothing, so the search is gone through as if all that is
    not known came out the same; and once more as if all that are tried by themselves came out different, which they often do.

    Args:
        variations, judged: as `search` was called with them.
        known: the outcome of a question that was answered; None for others.
        most: so many questions at most.
    """
    chains = [
        _chain(variations, judged.copy(), known, guess, most)
        for guess in (lambda asked: SAME, lambda asked: OTHER if any(one.alone for one in asked) else SAME)
    ]
    both = [one for pair in zip_longest(*chains) for one in pair if one is not None]
    return list(dict.fromkeys(both))[:most]


class _Enough(Exception):
    """So many questions are foreseen."""


def _chain(
    variations: Sequence[Variation],
    judged: Judged,
    known: Callable[[Combination], str | None],
    guess: Callable[[Combination], str],
    most: int,
) -> list[Combination]:
    asked: list[Combination] = []

    def ask(combination: Combination) -> str:
        outcome = known(combination)
        if outcome is not None:
            return outcome
        if any(combination < earlier for earlier in asked):  # how it is asked depends on how that one differs
            return guess(combination)
        asked.append(combination)
        if len(asked) >= most:
            raise _Enough
        return guess(combination)

    with suppress(_Enough):
        search(variations, ask, judged)
    return asked


def groups(variations: Iterable[Variation]) -> list[list[Variation]]:
    """What is tried at once: neighbours that are not to stand alone, at most one of each factor."""
    found: list[list[Variation]] = []
    for variation in variations:
        last = found[-1] if found else []
        fits = last and not variation.alone and not last[-1].alone
        if fits and all(other.factor_id != variation.factor_id for other in last):
            last.append(variation)
        else:
            found.append([variation])
    return found


def _judge(group: Sequence[Variation], ask: Ask, judged: Judged) -> None:
    kept = _kept(judged.harmless, group)
    by_itself = ask(frozenset(group)) if kept and group[0].first else SAME
    if by_itself == SAME:
        outcome = ask(kept | frozenset(group))
    else:
        kept, outcome = frozenset(), by_itself
    if outcome == SAME:
        judged.harmless += group
        return
    if len(group) > 1:
        middle = len(group) // 2
        _judge(group[:middle], ask, judged)
        _judge(group[middle:], ask, judged)
        return
    (variation,) = group
    if kept:
        outcome = ask(frozenset(group))
    if outcome == OTHER:
        judged.sensitive[variation] = frozenset()
    elif outcome == UNKNOWN:
        judged.unknown.append(variation)
    else:
        judged.harmless.append(variation)
        beside = _without_which_not(variation, kept, ask)
        if beside:
            judged.sensitive[variation] = beside
            judged.harmless.remove(variation)  # it must not spoil what is tried after it


def _kept(harmless: Iterable[Variation], group: Iterable[Variation]) -> Combination:
    """The harmless variations that can be on beside a group: one of each factor, the first, and none of the group's factors."""
    group = list(group)
    if any(variation.apart for variation in group):
        return frozenset()
    taken = {variation.factor_id for variation in group}
    kept = []
    for variation in harmless:
        if variation.factor_id not in taken and not variation.apart:
            taken.add(variation.factor_id)
            kept.append(variation)
    return frozenset(kept)


def _without_which_not(variation: Variation, kept: Combination, ask: Ask) -> Combination:
    """A smallest part of `kept` beside which the variation changes the result: delta debugging (Zeller and Hildebrandt 2002)."""
    one = frozenset({variation})
    left = sorted(kept, key=lambda other: other.key)
    if ask(one | frozenset(left)) != OTHER:
        return frozenset()
    parts = 2
    while len(left) > 1:
        size = -(-len(left) // parts)
        pieces = [left[at : at + size] for at in range(0, len(left), size)]
        for piece in pieces:
            rest = [other for other in left if other not in piece]
            if ask(one | frozenset(piece)) == OTHER:
                left, parts = piece, 2
                break
            if len(pieces) > 2 and ask(one | frozenset(rest)) == OTHER:
                left, parts = rest, max(parts - 1, 2)
                break
        else:
            if parts >= len(left):
                break
            parts = min(2 * parts, len(left))
    return frozenset(left)
