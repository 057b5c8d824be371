"""What the reading of a program has come across, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from reprotest.audit.flow.values import Level, State

Place = tuple[str, int]
"""File and line."""


class Kind(StrEnum):
    MISSING = "missing"
    """Drawn, and seeded nowhere in this program."""
    LATE = "late"
    """Drawn before the seed is set."""
    CONDITIONAL = "conditional"
    """Seeded on some ways through the program only."""
    UNUSED = "unused"
    """The package is imported and seeded nowhere; no draw is visible."""
    VARYING = "varying"
    """Seeded with what is another value in every run."""
    OWN = "own"
    """A generator of the program's own, made without a seed."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a program's seeds.

    Attributes:
        kind: what.
        factor: of which factor.
        place: the line to look at.
        name: the call that stands there.
        seeded: where the seed is set, if anywhere.
        more: how many other draws there are like it.
    """

    kind: Kind
    factor: str
    place: Place
    name: str
    seeded: Place | None = None
    more: int = 0


@dataclass
class Trace:
    """Collected in the order of the program."""

    draws: list[tuple[str, str, Place, Level]] = field(default_factory=list)
    later: list[tuple[str, str, Place]] = field(default_factory=list)
    seeds: dict[str, tuple[Place, Level]] = field(default_factory=dict)
    """The first seed of each factor, and how surely it is reached."""
    others: list[Problem] = field(default_factory=list)
    own: set[str] = field(default_factory=set)
    """Factors of which the program has a seeded generator of its own."""
    files: dict[str, None] = field(default_factory=dict)
    """The files that the program consists of."""

    def draw(self, factor: str, name: str, place: Place, state: State | None) -> None:
        self.draws.append((factor, name, place, (state or {}).get(factor, Level.NO)))

    def draw_later(self, factor: str, name: str, place: Place) -> None:
        self.later.append((factor, name, place))

    def seed(self, factor: str, place: Place) -> None:
        self.seeds.setdefault(factor, (place, Level.YES))

    def problem(self, kind: Kind, factor: str, name: str, place: Place) -> None:
        found = Problem(kind, factor, place, name)
        if found not in self.others:
            self.others.append(found)

    @property
    def draws_at_all(self) -> bool:
        return bool(self.draws or self.later)

    def problems(self, final: State) -> Iterator[Problem]:
        """What is wrong, one problem for each factor and kind; `final`: how far all is seeded at the program's end."""
        yield from self.others
        for factor in dict.fromkeys([d[0] for d in self.draws] + [d[0] for d in self.later]):
            seeded = self.seeds.get(factor)
            end = final.get(factor, Level.NO)
            now = [(name, place, level) for f, name, place, level in self.draws if f == factor]
            afterwards = [(name, place, end if seeded else Level.NO) for f, name, place in self.later if f == factor]
            for level, kind in ((Level.NO, Kind.LATE if seeded else Kind.MISSING), (Level.MAYBE, Kind.CONDITIONAL)):
                places = dict.fromkeys((name, place) for name, place, found in [*now, *afterwards] if found == level)
                if places:
                    name, place = next(iter(places))
                    yield Problem(kind, factor, place, name, seeded[0] if seeded else None, len(places) - 1)
                    break
