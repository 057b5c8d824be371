"""The hash of strings: held by PYTHONHASHSEED, its uses by the user's code seen."""

from __future__ import annotations

import pytest

from reprotest.factors import Setting, factor

HASH = factor("python.hash")

PROGRAM = """
    import pickle
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Name:
        text: str

    print(hash("a"))
    print(hash((1, b"x")))
    print(hash(3), hash(2.5))
    print(list({"dog", "cat", "cow", "hen", "pig"}))
    print({Name("x"): 1}[Name("x")], pickle.loads(pickle.dumps(hash)) is hash, repr(hash))
"""


def test_hashes_of_text_by_the_user_are_noted_and_those_of_numbers_are_not(play) -> None:
    assert play(PROGRAM).uses["python.hash"] == {"main.py:9": 1, "main.py:10": 1}


def test_a_pinned_hash_repeats_and_another_variant_differs(play) -> None:
    first = play(PROGRAM, {"python.hash": 0}).out
    assert play(PROGRAM, {"python.hash": 0}).out == first
    other = play(PROGRAM, {"python.hash": 1}).out
    assert [a == b for a, b in zip(first.splitlines(), other.splitlines(), strict=True)] == [
        False,
        False,
        True,
        False,
        True,
    ]
    assert first.splitlines()[-1] == "1 True <built-in function hash>"


def test_one_line_alone_sees_other_hashes(play) -> None:
    first = play(PROGRAM, {"python.hash": 0}).out.splitlines()
    one = play(PROGRAM, {"python.hash": Setting(seed=7, variant=1, only=("main.py:10",))}).out.splitlines()
    assert [a == b for a, b in zip(first, one, strict=True)] == [True, False, True, True, True]


def test_a_hash_seed_of_the_users_own_is_kept_and_said_to_be_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "12")
    assert HASH.fixed({"PYTHONHASHSEED": "12"}) == "PYTHONHASHSEED=12 is set in the environment"
    assert HASH.launch(Setting()).env == {}
    assert HASH.launch(Setting(variant=1)).env == {"PYTHONHASHSEED": "1"}


def test_a_random_hash_seed_is_not_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "random")
    assert HASH.fixed({"PYTHONHASHSEED": "random"}) is None
    assert HASH.fixed({}) is None
    assert HASH.launch(Setting()).env == {"PYTHONHASHSEED": "0"}
