"""Entropy of the operating system, as the user's code asks for it."""

from __future__ import annotations

from reprotest.factors import Setting, factor

PROGRAM = """
    import os, pathlib, random, secrets, tempfile, uuid

    print(os.urandom(8).hex())
    print(uuid.uuid4(), uuid.uuid4())
    print(secrets.token_hex(8), secrets.randbelow(10**9))
    print(random.SystemRandom().random())
    print(os.getrandom(8).hex())
    with tempfile.TemporaryDirectory() as folder:
        print(folder)
    with open("/dev/urandom", "rb") as device:
        print(device.read(8).hex())
    print(pathlib.Path("/dev/urandom").open("rb").read(8).hex())
"""
LINES = [f"main.py:{n}" for n in (4, 5, 6, 7, 8, 9, 11, 13)]


def test_every_asking_line_is_noted(play) -> None:
    uses = play(PROGRAM).uses
    assert sorted(uses["os.entropy"], key=lambda s: int(s[8:])) == LINES
    assert "python.random" not in uses


def test_a_pinned_program_repeats_and_another_variant_differs_in_every_line(play) -> None:
    first = play(PROGRAM, {"os.entropy": 0}).out.splitlines()
    assert play(PROGRAM, {"os.entropy": 0}).out.splitlines() == first
    other = play(PROGRAM, {"os.entropy": 1}).out.splitlines()
    assert not any(a == b for a, b in zip(first, other, strict=True))


def test_one_line_alone_varies(play) -> None:
    first = play(PROGRAM, {"os.entropy": 0}).out.splitlines()
    one = play(PROGRAM, {"os.entropy": Setting(seed=7, variant=1, only=("main.py:5",))}).out.splitlines()
    assert [i for i, (a, b) in enumerate(zip(first, one, strict=True)) if a != b] == [1]


def test_ids_and_names_stay_unique_across_processes_and_constant_streams(play) -> None:
    source = """
        import multiprocessing, os, tempfile, uuid

        def work(queue):
            queue.put([uuid.uuid4().hex for _ in range(50)])

        if __name__ == "__main__":
            context = multiprocessing.get_context("fork")
            queue = context.Queue()
            children = [context.Process(target=work, args=(queue,)) for _ in range(2)]
            ids = [uuid.uuid4().hex for _ in range(50)]
            for child in children:
                child.start()
            ids += [*queue.get(), *queue.get()]
            for child in children:
                child.join()
            files = [tempfile.mkstemp() for _ in range(20)]
            print(len(set(ids)), len({name for _, name in files}))
            for _, name in files:
                os.unlink(name)
    """
    assert play(source, {"os.entropy": 0}).out == "150 20\n"
    assert play(source, {"os.entropy": Setting(constant=True)}).out.endswith(" 20\n")


def test_the_standard_librarys_own_machinery_is_not_the_programs_use(play) -> None:
    source = """
        import multiprocessing, multiprocessing.connection
        lock = multiprocessing.Lock()
        queue = multiprocessing.Queue()
        print(len(multiprocessing.current_process().authkey))
    """
    assert "os.entropy" not in play(source).uses
    assert play(source, {"os.entropy": 0}).out == "32\n"


def test_native_code_gets_a_seed_that_depends_on_the_variant_but_not_on_single_lines() -> None:
    seeds = [factor("os.entropy").launch(Setting(variant=k)).getrandom_seed for k in (0, 1, 0)]
    assert seeds[0] == seeds[2] != seeds[1]
    assert factor("os.entropy").launch(Setting(variant=1, only=("main.py:3",))).getrandom_seed == seeds[0]


def test_rows_in_an_order_that_sqlite_draws(play) -> None:
    source = """
        import sqlite3

        db = sqlite3.connect(":memory:")
        db.execute("create table t (a)")
        db.executemany("insert into t values (?)", [(n,) for n in range(30)])
        print([a for a, in db.execute("select a from t order by random()")])
        print(db.execute("select typeof(random()), length(randomblob(5)), length(randomblob(0))").fetchone())
        print(db.execute("select abs(random()) % 1000000, hex(randomblob(4))").fetchone())
        print([a for a, in db.execute("select a from t order by a limit 3")])
    """
    free = play(source)
    assert sorted(free.uses["os.entropy"]) == ["main.py:7", "main.py:8", "main.py:9"]
    assert free.out.splitlines()[1::2] == ["('integer', 5, 1)", "[0, 1, 2]"]
    assert play(source).out != free.out
    held = play(source, {"os.entropy": 0}).out
    assert play(source, {"os.entropy": 0}).out == held
    assert play(source, {"os.entropy": 1}).out != held
