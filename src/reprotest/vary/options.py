"""What a caller may ask of `vary`: how far, how long, and which factors. Plain data, light to import."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from reprotest.errors import UsageError

ALL = "all"


@dataclass(frozen=True)
class VaryOptions:
    """How to vary a command.

    Attributes:
        runs: how often the command is run with everything held, before anything is varied (at least 2).
        steps: look at this many optimiser steps only; None: to the program's end.
        timeout: seconds that one run may take; None: no limit.
        seed: base seed of the values at which factors are held.
        budget: minutes after which no other run is begun; None: no limit.
        select: "+threads.count,-locale": see `selected`.
        fresh: do not go on from what an interrupted session has found.
        seeds: also give generators other seeds where the program sets them itself.

    Raises:
        UsageError: a value outside of its range, or an unknown factor.
    """

    runs: int = 2
    steps: int | None = None
    timeout: float | None = None
    seed: int = 0
    budget: float | None = None
    select: tuple[str, ...] = ()
    fresh: bool = False
    seeds: bool = False

    def __post_init__(self) -> None:
        from reprotest.options import RunOptions

        RunOptions(runs=self.runs, steps=self.steps, timeout=self.timeout, seed=self.seed)
        if self.budget is not None and not self.budget > 0:
            raise UsageError(f"budget is {self.budget}, expected minutes above 0: leave it out for no limit")


def selected(words: Iterable[str], known: Iterable[str]) -> list[str]:
    """The factors to vary, as in Debian's reprotest: `-name` takes one away, `+name` adds it, from left to right.

    `all` stands for every factor, and `name.*` for all that begin so. The list starts with all factors, unless the first word adds
    one without anything being taken away anywhere: then with none, so that `+locale,+timezone` tries those two.

    Args:
        words: each may hold several, with commas between them; a name without sign is added.
        known: every factor's id, in their order.

    Raises:
        UsageError: a name that is none.
    """
    known = list(known)
    asked = [word.strip() for part in words for word in part.split(",") if word.strip()]
    chosen = set() if asked and not any(word.startswith("-") for word in asked) else set(known)
    for word in asked:
        name = word.lstrip("+-")
        meant = {one for one in known if name in (ALL, one) or (name.endswith(".*") and one.startswith(name[:-1]))}
        if not meant:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
            raise UsageError(f"--vary {word}: there is no factor {name!r}: {hint}")
        chosen = chosen - meant if word.startswith("-") else chosen | meant
    return [one for one in known if one in chosen]
