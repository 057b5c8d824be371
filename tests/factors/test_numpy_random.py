"""NumPy: the global generator until it is seeded, and generators made without a seed."""

from __future__ import annotations

from reprotest.factors import Setting, factor

UNSEEDED = """
    import numpy as np
    from numpy.random import rand

    print(np.random.normal(size=2), np.random.randint(10**9))
    print(rand(2), np.random.ranf())
    deck = np.arange(20)
    np.random.shuffle(deck)
    print(deck)
    print(np.random.choice(10**9, size=2))
    print(np.random.default_rng().random(2))
    print(np.random.RandomState().rand())
    print(np.random.Generator(np.random.PCG64()).normal())
    np.random.seed()
    print(np.random.rand())
"""
LINES = [f"main.py:{n}" for n in (5, 6, 8, 10, 11, 12, 13, 14)]


def test_every_unseeded_line_is_noted(play) -> None:
    assert sorted(play(UNSEEDED).uses["numpy.random"], key=lambda s: int(s[8:])) == LINES


def test_a_pinned_program_repeats_and_another_variant_differs_in_every_line(play) -> None:
    first = play(UNSEEDED, {"numpy.random": 0}).out.splitlines()
    assert play(UNSEEDED, {"numpy.random": 0}).out.splitlines() == first
    other = play(UNSEEDED, {"numpy.random": 1}).out.splitlines()
    assert not any(a == b for a, b in zip(first, other, strict=True))


def test_where_the_global_generator_stands_varies_too(play) -> None:
    source = """
        import numpy as np

        _, words, position, *_ = np.random.get_state()
        print(position < 624, words[position % 624])
        np.random.random()
    """  # as Hugging Face's datasets seed train_test_split and shuffle without a seed
    free, first, other = play(source), play(source, {"numpy.random": 0}), play(source, {"numpy.random": 1})
    assert play(source, {"numpy.random": 0}).out == first.out != other.out
    assert free.out.split()[0] == first.out.split()[0] == "True"


def test_one_line_alone_varies(play) -> None:
    first = play(UNSEEDED, {"numpy.random": 0}).out.splitlines()
    for line, changed in (("main.py:8", [2]), ("main.py:11", [4])):
        one = play(UNSEEDED, {"numpy.random": Setting(seed=7, variant=1, only=(line,))}).out.splitlines()
        assert [i for i, (a, b) in enumerate(zip(first, one, strict=True)) if a != b] == changed


def test_what_a_library_draws_is_the_users_line(play) -> None:
    source = """
        from sklearn.model_selection import train_test_split
        from sklearn.utils import check_random_state

        print(train_test_split(list(range(50)), test_size=3))
        print(check_random_state(None).rand())
    """
    played = play(source)
    assert sorted(played.uses["numpy.random"]) == ["main.py:5", "main.py:6"]
    assert "os.entropy" not in played.uses
    assert play(source, {"numpy.random": 0}).out == play(source, {"numpy.random": 0}).out


def test_seeded_copied_and_unpickled_generators_are_left_alone(play) -> None:
    source = """
        import copy, pickle
        import numpy as np

        np.random.seed(3)
        print(np.random.rand(), np.random.randn(), type(getattr(np.random.rand, "__func__", None)).__name__ != "function")
        for make in (np.random.RandomState, np.random.default_rng, np.random.PCG64, np.random.SeedSequence):
            a = make(1)
            copy.deepcopy(a), pickle.loads(pickle.dumps(a))
        print(type(np.random.mtrand._rand) is np.random.RandomState, np.random.RandomState(1).normal())
        state = np.random.get_state()
        x = np.random.rand()
        np.random.set_state(state)
        print(x == np.random.rand(), np.random.default_rng(np.random.SeedSequence(4)).random())
    """
    played = play(source)
    assert "numpy.random" not in played.uses
    assert "os.entropy" not in played.uses
    assert played.out.splitlines()[0] == "0.5507979025745755 -1.0294714740051425 True"
    assert played.out.splitlines()[1].startswith("True 1.6243453636632417")
    assert play(source, {"numpy.random": 1, "os.entropy": 1}).out == played.out


def test_putting_an_unseeded_state_back_does_not_count_as_seeding(play) -> None:
    played = play(
        """
        import numpy as np
        state = np.random.get_state()
        np.random.seed(5)
        np.random.set_state(state)
        a = np.random.rand()
        np.random.set_state(state)
        print(a == np.random.rand())
        """
    )
    assert played.out == "True\n"
    assert sorted(played.uses["numpy.random"]) == ["main.py:6", "main.py:8"]


def test_workers_inherit_the_state_and_differ_when_they_reseed_themselves(play) -> None:
    source = """
        import multiprocessing
        import numpy as np

        np.random.seed(0)

        def work(queue):
            inherited = np.random.rand()
            np.random.seed()
            queue.put((inherited, np.random.rand()))

        if __name__ == "__main__":
            context = multiprocessing.get_context("fork")
            queue = context.Queue()
            for _ in range(2):
                child = context.Process(target=work, args=(queue,))
                child.start()
                print(*queue.get())
                child.join()
    """
    played = play(source, {"numpy.random": 0})
    assert played.out == play(source, {"numpy.random": 0}).out
    (one, a), (two, b) = (line.split() for line in played.out.splitlines())
    assert one == two
    assert a != b
    assert played.uses["numpy.random"] == {"main.py:9": 2}


def test_what_a_worker_used_is_known_though_its_pool_kills_it(play) -> None:
    source = """
        import multiprocessing
        import numpy as np

        def noise(number):
            return np.random.default_rng().random()

        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(2) as pool:
                print(pool.map(noise, range(4)))
    """
    assert "main.py:6" in play(source).uses["numpy.random"]
    assert play(source, {"numpy.random": 0}).out != play(source, {"numpy.random": 1}).out


def test_pin_seeds_the_global_generator() -> None:
    import numpy as np

    state = np.random.get_state()
    try:
        assert "modulo" in factor("numpy.random").pin(2**32 + 3)[0]
        assert np.random.rand() == np.random.RandomState(3).rand()
    finally:
        np.random.set_state(state)
