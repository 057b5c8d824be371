"""The random module: what is drawn unseeded is seen and held, what is seeded is left alone."""

from __future__ import annotations

import random

from reprotest.factors import Setting, factor

UNSEEDED = """
    import os, random, multiprocessing
    from random import choice, random as draw

    print([random.random() for _ in range(3)], random.randint(1, 10**9))
    print(draw(), choice(range(10**9)))
    deck = list(range(52))
    random.shuffle(deck)
    print(deck)
    print(random.Random().random())
    random.seed()
    print(random.random())

    class Dice(random.Random):
        def roll(self):
            return self.randint(1, 10**6)

    print(Dice().roll())

    def work(queue):
        queue.put(random.random())

    if __name__ == "__main__":
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        for _ in range(2):
            child = context.Process(target=work, args=(queue,))
            child.start()
            print(queue.get())
            child.join()
"""
LINES = ["main.py:5", "main.py:6", "main.py:8", "main.py:10", "main.py:11", "main.py:18", "main.py:21"]


def test_every_unseeded_line_is_noted(play) -> None:
    assert sorted(play(UNSEEDED).uses["python.random"], key=lambda s: int(s[8:])) == LINES


def test_a_pinned_program_repeats_and_another_variant_differs_in_every_line(play) -> None:
    first = play(UNSEEDED, {"python.random": 0}).out.splitlines()
    assert play(UNSEEDED, {"python.random": 0}).out.splitlines() == first
    other = play(UNSEEDED, {"python.random": 1}).out.splitlines()
    assert not any(a == b for a, b in zip(first, other, strict=True))
    assert len(set(first)) == len(first), "two places or processes got the same stream"


def test_one_line_alone_varies(play) -> None:
    first = play(UNSEEDED, {"python.random": 0}).out.splitlines()
    one = play(UNSEEDED, {"python.random": Setting(seed=7, variant=1, only=("main.py:8",))}).out.splitlines()
    assert [i for i, (a, b) in enumerate(zip(first, one, strict=True)) if a != b] == [2]


def test_seeded_copied_and_unpickled_generators_are_left_alone(play) -> None:
    source = """
        import copy, pickle, random
        random.seed(0)
        print(random.random(), type(random.random).__name__)
        a = random.Random(1)
        b = pickle.loads(pickle.dumps(a))
        c = copy.deepcopy(a)
        d = random.Random()
        d.seed(1)
        e = random.Random()
        e.setstate(a.getstate())
        print(a.random() == b.random() == c.random() == d.random() == e.random())
        print(pickle.loads(pickle.dumps(random._inst)).random() == random.random())
        state = random.getstate()
        x = random.random()
        random.setstate(state)
        print(x == random.random(), isinstance(a, random.Random), type(a) is random.Random)
    """
    played = play(source)
    assert "python.random" not in played.uses
    lines = played.out.splitlines()
    expected = random.Random(0)
    assert lines[0] == f"{expected.random()} builtin_function_or_method"
    assert lines[1:] == ["True", "True", "True True True"]
    assert play(source, {"python.random": 1}).out == played.out


def test_putting_an_unseeded_state_back_does_not_count_as_seeding(play) -> None:
    played = play(
        """
        import random
        state = random.getstate()
        random.seed(5)
        random.random()
        random.setstate(state)
        a = random.random()
        random.setstate(state)
        print(a == random.random())
        """
    )
    assert played.out == "True\n"
    assert sorted(played.uses["python.random"]) == ["main.py:7", "main.py:9"]


def test_a_library_that_draws_while_it_is_imported_is_not_the_programs_line(play) -> None:
    assert "python.random" not in play("import sympy, rich.style").uses


def test_pin_seeds_the_module() -> None:
    state = random.getstate()
    try:
        assert factor("python.random").pin(3) == ("random: seeded with 3",)
        assert random.random() == random.Random(3).random()
    finally:
        random.setstate(state)
