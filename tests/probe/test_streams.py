"""Seeded streams repeat by place and differ by everything that should make them differ."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reprotest.factors import Setting
from reprotest.probe.streams import SeededStreams

sizes = st.lists(st.integers(0, 200), max_size=8)


def taken(
    setting: Setting, requests: list[int], factor: str = "os.entropy", key: str = "main", site: str | None = "a.py:1"
) -> list[bytes]:
    streams = SeededStreams()
    return [streams.take(setting, factor, key, site, n) for n in requests]


@given(sizes, st.integers(0, 2**32), st.integers(0, 5))
def test_the_same_place_gets_the_same_bytes(requests: list[int], seed: int, variant: int) -> None:
    setting = Setting(seed=seed, variant=variant)
    assert taken(setting, requests) == taken(setting, requests)
    assert [len(b) for b in taken(setting, requests)] == requests


def test_every_part_of_the_place_matters() -> None:
    base = taken(Setting(seed=1), [32])
    others = [
        taken(Setting(seed=2), [32]),
        taken(Setting(seed=1, variant=1), [32]),
        taken(Setting(seed=1), [32], factor="numpy.random"),
        taken(Setting(seed=1), [32], key="main/SpawnProcess-1"),
        taken(Setting(seed=1), [32], site="a.py:2"),
    ]
    assert base not in others
    assert len({bytes(o[0]) for o in others}) == len(others)


def test_a_stream_goes_on_and_a_constant_one_starts_anew() -> None:
    first, second = taken(Setting(), [16, 16])
    assert first != second
    first, second = taken(Setting(constant=True), [16, 16])
    assert first == second
    assert taken(Setting(constant=True), [16], key="main/worker") == [first]


def test_freeing_one_site_leaves_the_others_alone() -> None:
    streams, other = SeededStreams(), SeededStreams()
    only = Setting(variant=1, only=("a.py:1",))
    assert streams.take(only, "f", "main", "a.py:2", 16) == other.take(Setting(), "f", "main", "a.py:2", 16)
    assert streams.take(only, "f", "main", "a.py:1", 16) == other.take(Setting(variant=1), "f", "main", "a.py:1", 16)
