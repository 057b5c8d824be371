"""The names by which the factors are met in source text, asked of the factors themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from reprotest.audit.flow.values import Constant, Value, Varying
from reprotest.factors import Factor, all_factors

Keywords = Mapping[str, Value]


class Vocabulary:
    """Looks a dotted name up among those that the factors give in `Factor.source`."""

    def __init__(self, factors: Iterable[Factor] | None = None) -> None:
        self.factors = tuple(all_factors() if factors is None else factors)

    @cached_property
    def seedable(self) -> dict[str, Factor]:
        """Factors that a program can seed."""
        return {factor.id: factor for factor in self.factors if factor.source.seeds}

    def seeded(self, name: str) -> list[str]:
        return [factor.id for factor in self.factors if _matches(name, factor.source.seeds)]

    def drawn(self, name: str, keywords: Keywords) -> list[str]:
        """Factors from whose global state the call draws at once."""
        return self._used(name, keywords, "draws")

    def drawn_later(self, name: str, keywords: Keywords) -> list[str]:
        """Factors from whose global state the object draws that the call makes."""
        return self._used(name, keywords, "later")

    def drawn_by_method(self, method: str) -> list[str]:
        return [factor.id for factor in self.factors if method in factor.source.methods]

    def made(self, name: str) -> str | None:
        """The factor of whose kind the call makes a generator of the program's own."""
        return self._first(name, "own")

    def key(self, name: str) -> str | None:
        """The factor for which the call's first argument must not vary."""
        return self._first(name, "keys")

    def varies(self, name: str) -> bool:
        """Is the result another one in every run?"""
        return any(_matches(name, factor.source.values) for factor in self.factors)

    def _used(self, name: str, keywords: Keywords, field: str) -> list[str]:
        return [
            factor.id
            for factor in self.seedable.values()
            if _matches(name, getattr(factor.source, field), keywords)
            and not _matches(name, factor.source.spared)
            and not _matches(name, factor.source.seeds)
            and not any(_given(keywords, keyword) for keyword in factor.source.given)
        ]

    def _first(self, name: str, field: str) -> str | None:
        return next((factor.id for factor in self.factors if _matches(name, getattr(factor.source, field))), None)


def _matches(name: str, patterns: Iterable[str], keywords: Keywords | None = None) -> bool:
    for pattern in patterns:
        wanted, _, keyword = pattern.partition("(")
        if keyword and keywords is not None and not _given(keywords, keyword.rstrip(")")):
            continue
        if name.startswith(wanted[:-1]) if wanted.endswith("*") else name == wanted:
            return True
    return False


def _given(keywords: Keywords, name: str) -> bool:
    """Is the keyword given something that may be true? Whatever varies from run to run is no seed."""
    if name not in keywords:
        return False
    value = keywords[name]
    if isinstance(value, Constant):
        return value.value is not None and value.value is not False
    return not isinstance(value, Varying)
