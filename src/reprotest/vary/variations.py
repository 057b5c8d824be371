"""One other value of one factor, and which of them fit a program that was seen to run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reprotest.factors import Factor, Seen, Setting, all_factors, factor
from reprotest.factors.base import OWN_SEEDS
from reprotest.record import Record
from reprotest.vary.result import Skipped


@dataclass(frozen=True)
class Variation:
    """One factor at one other value.

    Attributes:
        factor_id, variant: which.
        to: the value in words.
        alone: try it by itself: it often changes something.
        first: try it without the harmless ones first: it takes long, and nearly always changes something.
        apart: nothing else is judged beside it, nor it beside anything else: see `Factor.conceals`.
    """

    factor_id: str
    variant: int
    to: str
    alone: bool = False
    first: bool = False
    apart: bool = False

    @property
    def key(self) -> str:
        """Names it in files: "threads.count:1"."""
        return f"{self.factor_id}:{self.variant}"

    @property
    def said(self) -> str:
        """Names it for people: "threads.count: 1, MKL_DYNAMIC=FALSE"."""
        return f"{self.factor_id}: {self.to}"


def starting(seed: int, *, identity: bool = False, without: Iterable[str] = ()) -> dict[str, Setting]:
    """The settings of the reference: every factor that can be held is, at the value from which `vary` starts.

    Args:
        seed: base seed.
        identity: objects are told apart by creation order, so that addresses do not matter.
        without: factors that stay free, since the program does not run when they are held.
    """
    settings = {}
    for one in all_factors():
        if one.start is None or one.id in without:
            continue
        settings[one.id] = Setting(seed, one.start, identity=identity and one.id == "memory.address")
    return settings


def seen(record: Record, one: Factor) -> Seen:
    """What a run showed of the program, as far as it concerns one factor."""
    modules = frozenset(name for names in record.extras("modules") for name in names)
    return Seen(modules, one.id in record.uses(), record.extras(one.id))


def fitting(record: Record, chosen: Iterable[str], *, seeds: bool = False) -> tuple[list[Variation], list[Skipped]]:
    """What to try on the program of this record, in the order of trying, and the factors of which there is nothing to try.

    Many unlikely ones first, since they are tried together and cost one run; then the likely ones, every factor's first value
    before every factor's second.
    """
    wanted = set(chosen)
    found: list[Variation] = []
    skipped: list[Skipped] = []
    rank: dict[str, int] = {}
    for one in all_factors():
        if one.id not in wanted:
            skipped.append(Skipped(one.id, "not asked for"))
            continue
        variants = one.variations(seen(record, one))
        own = seeds and one.seeded is not None and (not one.seeded or one.seeded in seen(record, one).modules)
        if own:
            found.append(Variation(one.id, OWN_SEEDS, "other seeds where the program sets them", alone=True))
            rank[found[-1].key] = 0
        if isinstance(variants, str):
            if not own:
                skipped.append(Skipped(one.id, variants))
            continue
        for number, variant in enumerate(variants):
            compiles, apart = one.compiles(variant), one.conceals(variant)
            label = one.perturb(variant) or f"variant {variant}"
            alone = one.likely or compiles or apart
            variation = Variation(one.id, variant, label, alone, first=compiles, apart=apart)
            found.append(variation)
            rank[variation.key] = number
    later = len(found) + 1

    def place(variation: Variation) -> tuple[int, bool, int]:
        number = rank[variation.key]
        return (
            number if variation.alone or not number else later + number,
            variation.alone,
            factor(variation.factor_id).order,
        )

    return sorted(found, key=place), skipped
