"""The search finds every guilty variation and every interaction, whatever they are, and asks no more than it needs."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprotest.vary.search import OTHER, SAME, UNKNOWN, Combination, Judged, groups, search, upcoming
from reprotest.vary.variations import Variation


def some(count: int, *, alone: Collection[int] = ()) -> list[Variation]:
    return [Variation(f"factor{n:02}", 1, "other", n in alone) for n in range(count)]


def oracle(*guilty: Collection[Variation], failing: Collection[Variation] = ()) -> tuple[Callable[..., str], list[int]]:
    """Answers as a program that changes when all of one of these sets are on."""
    asked: list[int] = []

    def ask(combination: Combination) -> str:
        asked.append(len(combination))
        if combination & set(failing):
            return UNKNOWN
        return OTHER if any(set(one) <= combination for one in guilty) else SAME

    return ask, asked


def judged(variations: list[Variation], ask: Callable[..., str]) -> Judged:
    found = Judged()
    search(variations, ask, found)
    return found


def test_a_program_that_depends_on_nothing_takes_one_run_for_all_that_can_be_tried_together() -> None:
    ask, asked = oracle()
    variations = some(20)
    assert judged(variations, ask).harmless == variations
    assert asked == [20]


def test_one_guilty_among_many_is_found_by_halving() -> None:
    variations = some(16)
    ask, asked = oracle([variations[5]])
    found = judged(variations, ask)
    assert found.sensitive == {variations[5]: frozenset()}
    assert len(found.harmless) == 15
    assert len(asked) < 14


def test_what_takes_long_and_nearly_always_matters_is_tried_by_itself_first() -> None:
    variations = [*some(3), Variation("compiler", 1, "other", alone=True, first=True)]
    ask, asked = oracle([variations[3]])
    assert judged(variations, ask).sensitive == {variations[3]: frozenset()}
    assert asked == [3, 1]
    ask, asked = oracle(failing=[variations[3]])
    assert judged(variations, ask).unknown == [variations[3]]
    assert asked == [3, 1]


def test_what_takes_long_is_found_to_matter_beside_others_too() -> None:
    variations = [*some(3), Variation("compiler", 1, "other", alone=True, first=True)]
    ask, _ = oracle([variations[3], variations[1]])
    assert judged(variations, ask).sensitive == {variations[3]: frozenset({variations[1]})}


def test_harmless_ones_stay_on_while_others_are_tried() -> None:
    variations = some(4, alone=(2, 3))
    ask, asked = oracle()
    judged(variations, ask)
    assert asked == [2, 3, 4]


def test_what_conceals_others_is_judged_apart_from_them() -> None:
    """A warm cache hides on what its making depends, and another home directory hides the cache."""
    cache, home, *others = (Variation("cache", 1, "warm", alone=True, apart=True), *some(4, alone=(3,)))
    guilty = others.pop()
    seen: list[Combination] = []

    def ask(combination: Combination) -> str:
        seen.append(combination)
        if cache in combination:
            return OTHER if home not in combination else SAME
        return OTHER if guilty in combination else SAME

    found = judged([home, *others, cache, guilty], ask)
    assert found.sensitive == {cache: frozenset(), guilty: frozenset()}
    assert all(len(combination) == 1 for combination in seen if cache in combination)

    def harmless_when_warm(combination: Combination) -> str:
        return OTHER if guilty in combination and cache not in combination else SAME

    assert judged([cache, *others, guilty], harmless_when_warm).sensitive == {guilty: frozenset()}


def test_an_interaction_is_found_with_all_that_belong_to_it_and_nothing_else() -> None:
    variations = some(9, alone=(8,))
    ask, _ = oracle([variations[1], variations[6], variations[8]])
    found = judged(variations, ask)
    assert found.sensitive == {variations[8]: frozenset({variations[1], variations[6]})}


def test_a_variation_under_which_the_program_fails_does_not_hide_others() -> None:
    variations = some(6, alone=(4, 5))
    ask, _ = oracle([variations[0]], failing=[variations[4]])
    found = judged(variations, ask)
    assert found.unknown == [variations[4]]
    assert set(found.sensitive) == {variations[0]}
    assert set(found.harmless) == {*variations[1:4], variations[5]}


def test_only_one_value_of_a_factor_is_tried_at_a_time() -> None:
    one, two = Variation("locale", 1, "a"), Variation("locale", 2, "b")
    assert groups([one, *some(2), two]) == [[one, *some(2)], [two]]
    seen: list[Combination] = []

    def ask(combination: Combination) -> str:
        seen.append(combination)
        return SAME

    judged([one, *some(2), two], ask)
    assert all(not {one, two} <= combination for combination in seen)


def test_what_was_judged_is_kept_when_it_is_interrupted() -> None:
    variations = some(3, alone=(0, 1, 2))

    def ask(combination: Combination) -> str:
        if variations[2] in combination:
            raise KeyboardInterrupt
        return SAME

    found = Judged()
    with pytest.raises(KeyboardInterrupt):
        search(variations, ask, found)
    assert found.harmless == variations[:2]


@given(st.integers(1, 24), st.sets(st.integers(0, 23)), st.sets(st.integers(0, 23)))
def test_every_guilty_one_is_found_and_no_other(count: int, guilty: set[int], alone: set[int]) -> None:
    variations = some(count, alone=alone)
    culprits = {variations[n] for n in guilty if n < count}
    ask, asked = oracle(*([one] for one in culprits))
    found = judged(variations, ask)
    assert set(found.sensitive) == culprits
    assert set(found.harmless) == set(variations) - culprits
    assert len(asked) <= 3 * count


@given(st.integers(2, 16), st.data())
def test_a_pair_that_acts_only_together_is_named_together(count: int, data: st.DataObject) -> None:
    variations = some(count)
    pair = data.draw(st.sets(st.integers(0, count - 1), min_size=2, max_size=2))
    culprits = {variations[n] for n in pair}
    ask, _ = oracle(culprits)
    found = judged(variations, ask)
    assert len(found.sensitive) == 1
    ((one, beside),) = found.sensitive.items()
    assert {one, *beside} == culprits


def test_the_whole_search_is_foreseen_for_a_program_that_depends_on_nothing() -> None:
    variations = some(6, alone=(4, 5))
    asked: list[Combination] = []
    search(variations, lambda combination: asked.append(combination) or SAME, Judged())  # type: ignore[func-returns-value]
    foreseen = upcoming(variations, Judged(), {}.get, 20)
    assert [one for one in foreseen if one in asked] == asked
    assert len(foreseen) == len(asked) + 1, "and the last one in case the one before it differs"


def test_likely_ones_are_foreseen_side_by_side_in_case_they_differ() -> None:
    variations = some(3, alone=(0, 1, 2))
    foreseen = upcoming(variations, Judged(), {}.get, 5)
    assert {frozenset({one}) for one in variations} <= set(foreseen)


@given(
    st.integers(1, 12).flatmap(
        lambda count: st.tuples(
            st.just(count),
            st.lists(st.frozensets(st.integers(0, count - 1), min_size=1, max_size=3), max_size=3),
            st.sets(st.integers(0, count - 1)),
        )
    )
)
def test_the_next_question_is_always_foreseen_and_never_changes_the_answers(
    drawn: tuple[int, list[frozenset[int]], set[int]],
) -> None:
    count, guilty, alone = drawn
    variations = some(count, alone=alone)
    answer, _ = oracle(*[[variations[n] for n in one] for one in guilty])
    known: dict[Combination, str] = {}

    def ask(combination: Combination) -> str:
        if combination not in known:
            foreseen = upcoming(variations, Judged(), known.get, 4)
            assert foreseen[0] == combination
            assert len(foreseen) <= 4
            assert not set(foreseen) & set(known)
            known[combination] = answer(combination)
        return known[combination]

    assert judged(variations, ask) == judged(variations, answer)
