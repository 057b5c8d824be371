"""Clocks as the user's code reads them; libraries keep the real time."""

from __future__ import annotations

import pytest

from reprotest.factors import Setting

READINGS = """
    import datetime, time, timeit, uuid
    from datetime import datetime as Moment
    from time import perf_counter, time as now

    class Timer:
        clock = time.perf_counter

    print(time.time(), now(), time.time_ns())
    print(Moment.now(), Moment.utcnow(), Moment.now(datetime.timezone.utc), Moment.today())
    print(datetime.date.today())
    print(time.monotonic(), time.monotonic_ns())
    print(perf_counter(), Timer().clock(), timeit.default_timer())
    print(time.process_time(), time.thread_time())
    print(time.gmtime(), time.localtime(), time.ctime(), time.asctime(), time.strftime("%c"))
    print(time.clock_gettime(time.CLOCK_MONOTONIC), time.clock_gettime_ns(time.CLOCK_REALTIME))
    print(uuid.uuid1())
"""
LINES = [f"main.py:{n}" for n in range(9, 18)]


def test_every_reading_line_is_noted(play) -> None:
    assert sorted(play(READINGS).uses["clock"], key=lambda s: int(s[8:])) == LINES


def test_a_pinned_clock_repeats_and_another_variant_differs_in_every_line(play) -> None:
    first = play(READINGS, {"clock": 0}).out.splitlines()
    assert play(READINGS, {"clock": 0}).out.splitlines() == first
    other = play(READINGS, {"clock": 1}).out.splitlines()
    assert not any(a == b for a, b in zip(first, other, strict=True))


def test_one_line_alone_varies(play) -> None:
    first = play(READINGS, {"clock": 0}).out.splitlines()
    one = play(READINGS, {"clock": Setting(seed=7, variant=1, only=("main.py:12",))}).out.splitlines()
    assert [i for i, (a, b) in enumerate(zip(first, one, strict=True)) if a != b] == [3]


def test_a_pinned_clock_never_stands_still_and_ends_loops(play) -> None:
    played = play(
        """
        import time
        readings = [time.time() for _ in range(300)]
        print(all(a < b for a, b in zip(readings, readings[1:])))
        for budget in (0.5, 60, 12 * 3600):
            start, steps = time.monotonic(), 0
            while time.monotonic() - start < budget:
                sum(range(10_000))
                steps += 1
            print(100 < steps < 500)
        start = time.perf_counter()
        time.sleep(0.2)
        print(0.2 <= time.perf_counter() - start < 0.3)
        """,
        {"clock": 0},
    )
    assert played.out.split() == ["True"] * 5


def test_sleeping_counts(play) -> None:
    source = """
        import time
        start = time.time()
        time.sleep(0.25)
        print(time.time() - start)
    """
    assert 0.25 <= float(play(source, {"clock": 0}).out) < 0.26


def test_waiting_for_something_real_is_not_given_up_too_early(play) -> None:
    """A loop that reads the clock and does nothing else, and one that sleeps in between."""
    played = play(
        """
        import threading, time

        for pause in (0, 0.02):
            done = threading.Event()
            threading.Timer(0.6, done.set).start()
            start = time.time()
            while not done.is_set() and time.time() - start < 30:
                if pause:
                    time.sleep(pause)
            print(done.is_set())
        """,
        {"clock": 0},
    )
    assert played.out == "True\nTrue\n"


def test_time_outs_of_the_standard_library_work(play) -> None:
    played = play(
        """
        import asyncio, logging, queue, subprocess, threading, time

        try:
            queue.Queue().get(timeout=0.05)
        except queue.Empty:
            print("queue")
        try:
            subprocess.run(["sleep", "20"], timeout=0.1)
        except subprocess.TimeoutExpired:
            print("subprocess")
        print(threading.Event().wait(0.05), threading.Condition().acquire(timeout=1))
        lock = threading.Lock()
        lock.acquire()
        print(lock.acquire(timeout=0.05))

        async def patient():
            await asyncio.sleep(0.02)
            try:
                await asyncio.wait_for(asyncio.sleep(20), 0.05)
            except asyncio.TimeoutError:
                print("asyncio")

        asyncio.run(patient())
        logging.warning("logged")
        print(repr(time.time))
        """,
        {"clock": 0},
    )
    assert played.out.split("\n") == [
        "queue",
        "subprocess",
        "False True",
        "False",
        "asyncio",
        "<built-in function time>",
        "",
    ]
    assert "clock" not in played.uses


def test_threads_read_clocks_of_their_own_that_start_where_their_starter_was(play) -> None:
    source = """
        import threading, time
        before = [time.time() for _ in range(50)][-1]
        found = {}

        def work(i):
            found[i] = [time.time() for _ in range(20)]

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(all(found[i] == found[0] and found[i][0] > before for i in found), found[0])
    """
    first = play(source, {"clock": 0}).out
    assert first.startswith("True")
    assert play(source, {"clock": 0}).out == first


def test_subclasses_pickles_and_copies_behave(play) -> None:
    played = play(
        """
        import copy, datetime, pickle, time

        class Mine(datetime.datetime):
            pass

        print(type(Mine.now()).__name__, type(Mine.today()).__name__, Mine.now(datetime.timezone.utc).tzinfo)
        print(pickle.loads(pickle.dumps(time.perf_counter)) is time.perf_counter, copy.deepcopy(time.time) is time.time)
        print(pickle.loads(pickle.dumps(datetime.datetime.now))().year)
        """,
        {"clock": 0},
    )
    assert played.out.splitlines() == ["Mine Mine UTC", "True True", "2024"]


def test_a_program_that_travels_in_time_itself_is_left_alone(play) -> None:
    pytest.importorskip("time_machine")
    played = play(
        """
        import datetime, time
        import time_machine

        with time_machine.travel(datetime.datetime(1985, 10, 26, tzinfo=datetime.timezone.utc), tick=False):
            print(time.time(), datetime.datetime.now().year, datetime.date.today().year, time.gmtime().tm_year)
        print(datetime.datetime.now().year > 2000)
        """,
        {"clock": 0},
    )
    assert played.out == "499132800.0 1985 1985 1985\nTrue\n"
    assert any("time-machine" in note for note in played.notes)
