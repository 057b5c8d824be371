"""Threads, processes, pools and futures get there in the same order in every run, and the program stays what it is."""

from __future__ import annotations

import pytest

HELD = {"threads.schedule": 0}
ID = "threads.schedule"


def always_the_same(play, source: str, runs: int = 3, hold=HELD) -> str:
    """Run under the pin; returns the output that all runs had, none of which gave up."""
    played = [play(source, hold) for _ in range(runs)]
    assert [p.gave_up for p in played] == [[]] * runs
    assert len({p.out for p in played}) == 1, [p.out for p in played]
    return played[0].out


RACE = """
    import threading, time
    order, shared = [], []
    def work(name):
        for step in range(5):
            shared.append(name)
            time.sleep(0.001)
        order.append(name)
    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(order, shared, [t.is_alive() for t in threads])
"""


def test_threads_take_turns_where_they_wait(play) -> None:
    out = always_the_same(play, RACE)
    assert out == f"{[0, 1, 2, 3]} {[0, 1, 2, 3] * 5} {[False] * 4}\n"


def test_another_variant_is_another_order_that_repeats(play) -> None:
    backwards = always_the_same(play, RACE, 2, {ID: 1})
    assert backwards.startswith("[3, 2, 1, 0]")
    drawn = always_the_same(play, RACE, 2, {ID: 2})
    assert drawn not in (backwards, always_the_same(play, RACE, 1))


def test_threads_that_never_wait_run_one_after_the_other(play) -> None:
    out = always_the_same(
        play,
        """
        import threading
        import random
        generator, value, seen = random.Random(0), 0.0, []
        def work(name):
            global value
            for _ in range(20_000):
                value = value * 0.999 + generator.random()  # a shared generator and a shared, unlocked sum
            seen.append(name)
        threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        print(seen, value)
        """,
    )
    assert out.startswith("[0, 1, 2]")


def test_sleepers_wake_in_the_order_of_their_wake_up_times(play) -> None:
    out = always_the_same(
        play,
        """
        import threading, time
        woken = []
        def sleeper(seconds):
            time.sleep(seconds)
            woken.append(seconds)
        threads = [threading.Thread(target=sleeper, args=(s,)) for s in (0.03, 0.01, 0.02, 0.0)]
        [t.start() for t in threads]
        begin = time.monotonic()
        sum(i * i for i in range(300_000))  # computing takes no virtual time
        [t.join() for t in threads]
        print(woken)
        """,
    )
    assert out == "[0.0, 0.01, 0.02, 0.03]\n"


PRIMITIVES = """
    import queue, threading, time
    log = []
    def say(*words): log.append(words)

    lock, rlock, semaphore, barrier = threading.Lock(), threading.RLock(), threading.Semaphore(2), threading.Barrier(3)
    condition, event, local = threading.Condition(), threading.Event(), threading.local()
    tasks, results, simple = queue.Queue(maxsize=2), queue.PriorityQueue(), queue.SimpleQueue()
    items = []

    def consumer(name):
        local.name = name
        while (task := tasks.get()) is not None:
            with semaphore, rlock, rlock:
                say(local.name, "task", task)
            results.put((task, name))
            tasks.task_done()
        tasks.task_done()
        say(name, "barrier", barrier.wait() >= 0)
        event.wait()
        with condition:
            condition.wait_for(lambda: items, timeout=30)
            say(name, "item", items.pop())
        say(name, simple.get())
        assert not event.wait(0) or True
        with lock:
            say(name, "in")
            time.sleep(0.001)
            say(name, "out")

    threads = [threading.Thread(target=consumer, args=(n,), name=f"consumer-{n}") for n in range(3)]
    for t in threads: t.start()
    for task in range(10): tasks.put(task)
    for t in threads: tasks.put(None)
    tasks.join()
    say("main", "joined")
    event.set()
    with condition:
        items.extend("abc")
        condition.notify_all()
    for n in range(3): simple.put(n)
    for t in threads: t.join(timeout=30)
    timer = threading.Timer(0.01, say, ("timer",))
    timer.start()
    timer.join()
    try:
        queue.Queue().get(timeout=0.01)
    except queue.Empty:
        say("empty")
    say(lock.acquire(timeout=0.01), lock.acquire(False), lock.locked())
    lock.release()
    print(log, sorted(results.queue))
"""


def test_every_primitive_works_as_ever(play) -> None:
    out = always_the_same(play, PRIMITIVES, 4)
    assert out.count("'task'") == 10
    assert out.count("'in'") == out.count("'out'") == 3
    free = play(PRIMITIVES)
    assert sorted(eval(free.out.split("] [")[0] + "]"), key=str)  # the very same program runs freely, too
    assert out.count("(") == free.out.count("(")


def test_locks_exclude_also_threads_that_nobody_manages(play) -> None:
    out = always_the_same(
        play,
        """
        import _thread, threading, time
        lock, count, left = threading.Lock(), 0, 4
        def work():
            global count, left
            for _ in range(200):
                with lock:
                    now = count
                    time.sleep(0)
                    count = now + 1
            with lock:
                left -= 1
        for _ in range(2): _thread.start_new_thread(work, ())
        threads = [threading.Thread(target=work) for _ in range(2)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        while left: time.sleep(0.001)
        print(count)
        """,
    )
    assert out == "800\n"


def test_an_exception_a_daemon_and_a_thread_that_nobody_joins(play) -> None:
    out = always_the_same(
        play,
        """
        import sys, threading, time
        threading.excepthook = lambda args: print("hook:", args.exc_value)
        def fail(): raise ValueError("in a thread")
        t = threading.Thread(target=fail); t.start(); t.join()
        def service():
            while True: time.sleep(0.01)
        threading.Thread(target=service, daemon=True).start()
        def late():
            time.sleep(0.05)
            print("late", flush=True)
        threading.Thread(target=late).start()
        print("main ends", flush=True)
        """,
    )
    assert out == "hook: in a thread\nmain ends\nlate\n"


def test_a_thread_that_polls_does_not_starve_the_one_it_polls_for(play) -> None:
    source = """
        import queue, threading, time
        from concurrent.futures import ThreadPoolExecutor
        stop, done = threading.Event(), queue.Queue()
        def spin():
            rounds = 0
            while not stop.is_set(): rounds += 1
            done.put(rounds)
        thread = threading.Thread(target=spin); thread.start()
        time.sleep(0.02)
        stop.set()
        while done.empty(): pass
        rounds = done.get_nowait()
        while thread.is_alive(): pass
        with ThreadPoolExecutor(2) as pool:
            future = pool.submit(time.sleep, 0.01)
            while not future.done(): pass
        lock = threading.Lock()
        lock.acquire()
        threading.Timer(0.01, lock.release).start()
        while not lock.acquire(blocking=False): pass
        print(rounds > 3, rounds)
    """
    assert always_the_same(play, source).startswith("True")


def test_executors_and_completion_order(play) -> None:
    source = """
        import random, time
        from concurrent import futures
        from concurrent.futures import ThreadPoolExecutor, as_completed
        def task(n):
            time.sleep(random.Random(n).random() / 100)
            if n == 5: raise KeyError(n)
            return n
        with ThreadPoolExecutor(4) as pool:
            fs = {pool.submit(task, n): n for n in range(8)}
            print([fs[f] for f in as_completed(fs)], [fs[f] for f in as_completed(set(fs), timeout=10)])
            more = {pool.submit(task, n) for n in range(6, 10)}
            while more:
                done, more = futures.wait(more, return_when=futures.FIRST_COMPLETED)
                print([f.result() for f in done], len(more))
            print(list(pool.map(task, range(4))))
            slow = pool.submit(time.sleep, 0.05)
            try:
                list(as_completed([slow], timeout=0.001))
            except TimeoutError as error:
                print(error)
            print(futures.wait([slow], timeout=0.001).not_done == {slow}, futures.wait([slow]).done == {slow})
    """
    out = always_the_same(play, source, 4).splitlines()
    assert out[0] == f"{list(range(8))} {list(range(8))}"
    assert out[1:5] == ["[6] 3", "[7] 2", "[8] 1", "[9] 0"]
    assert out[-2:] == ["1 (of 1) futures unfinished", "True True"]


@pytest.mark.parametrize("kind", ["Pool", "dummy.Pool"])
def test_pools_deliver_in_order(play, kind: str) -> None:
    source = f"""
        import multiprocessing, multiprocessing.dummy, os, threading, time
        def task(n):
            time.sleep((7 - n) / 1000)
            return n, os.getpid() != parent
        parent = os.getpid()
        if __name__ == "__main__":
            multiprocessing.set_start_method("fork")
            with multiprocessing.{kind}(3) as pool:
                got = list(pool.imap_unordered(task, range(8)))
                callbacks = []
                rs = [pool.apply_async(task, (n,), callback=callbacks.append) for n in range(6)]
                [r.get(30) for r in rs]
                print([n for n, _ in got], [n for n, _ in callbacks], got[0][1], pool.map(task, range(3)) == got[:3])
    """
    out = always_the_same(play, source)
    # Threads of a pool sleep side by side and so end in another order than they began; a process alone does not.
    called_back = list(range(6)) if kind == "Pool" else [2, 1, 0, 4, 3, 5]
    assert out == f"{list(range(8))} {called_back} {kind == 'Pool'} True\n"


def test_a_process_pool_keeps_being_one(play) -> None:
    source = """
        import os, random
        from concurrent.futures import ProcessPoolExecutor, as_completed
        def draw(n):
            return n, random.Random(n).random(), os.getpid()
        if __name__ == "__main__":
            with ProcessPoolExecutor(4, initializer=random.seed, initargs=(3,)) as pool:
                got = [f.result() for f in as_completed([pool.submit(draw, n) for n in range(12)])]
            print([n for n, _, _ in got], os.getpid() in {p for _, _, p in got}, len({p for _, _, p in got}))
    """
    assert always_the_same(play, source, 2) == f"{list(range(12))} False 1\n"


def test_processes_run_in_the_order_in_which_they_were_started(play) -> None:
    source = """
        import multiprocessing as mp, time
        def work(n, queue, value, lock):
            for _ in range(3):
                time.sleep(0.003 * (4 - n))
                with lock:
                    value.value = value.value * 3 + n
                queue.put((n, value.value))
        if __name__ == "__main__":
            mp.set_start_method("fork")
            queue, value, lock = mp.Queue(), mp.Value("q", 0), mp.Lock()
            ps = [mp.Process(target=work, args=(n, queue, value, lock)) for n in range(4)]
            for p in ps: p.start()
            got = [queue.get() for _ in range(12)]
            for p in ps: p.join()
            print(got, value.value, [p.exitcode for p in ps])
    """
    out = always_the_same(play, source)
    assert [n for n, _ in eval(out.split("] ")[0] + "]")] == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3


def test_processes_that_need_each_other_do_not_hang(play) -> None:
    source = """
        import multiprocessing as mp
        def worker(n, tasks, results, barrier):
            barrier.wait(30)
            while (task := tasks.get()) is not None:
                results.put((task, task * task))
        def echo(connection):
            while (message := connection.recv()) is not None: connection.send(message + 1)
        if __name__ == "__main__":
            mp.set_start_method("fork")
            tasks, results, barrier = mp.Queue(), mp.SimpleQueue(), mp.Barrier(3)
            ps = [mp.Process(target=worker, args=(n, tasks, results, barrier)) for n in range(3)]
            mine, theirs = mp.Pipe()
            ps.append(mp.Process(target=echo, args=(theirs,)))
            for p in ps: p.start()
            for task in range(9): tasks.put(task)
            for _ in range(3): tasks.put(None)
            got = [results.get() for _ in range(9)]
            for n in range(3):
                mine.send(n); got.append(mine.recv())
            mine.send(None)
            for p in ps: p.join()
            print(got, [p.exitcode for p in ps])
    """
    out = always_the_same(play, source)
    assert out == f"{[(n, n * n) for n in range(9)] + [1, 2, 3]} {[0] * 4}\n"


def test_a_thread_and_its_subprocess_socket_and_event_loop_get_on(play) -> None:
    source = """
        import asyncio, socket, subprocess, sys, threading
        from concurrent.futures import ThreadPoolExecutor
        a, b = socket.socketpair()
        def serve():
            while data := b.recv(10): b.sendall(data.upper())
        server = threading.Thread(target=serve); server.start()
        a.sendall(b"hello"); print(a.recv(10)); a.close(); server.join()

        def child(n): return subprocess.run([sys.executable, "-S", "-c", f"print({n})"], capture_output=True, text=True).stdout
        with ThreadPoolExecutor(3) as pool: print(list(pool.map(child, range(3))))

        async def main():
            loop = asyncio.get_running_loop()
            async def nap(n):
                await asyncio.sleep(0.001 * (5 - n))
                return n
            tasks = [asyncio.create_task(nap(n)) for n in range(4)]
            got = [await f for f in asyncio.as_completed(tasks)]
            got.append(await asyncio.to_thread(sum, [1, 2]))
            got.append(await asyncio.wait_for(loop.run_in_executor(None, max, 3, 4), 30))
            done, pending = await asyncio.wait([asyncio.create_task(nap(n)) for n in range(3)], return_when="FIRST_COMPLETED")
            got += [t.result() for t in done]
            await asyncio.gather(*pending)
            done, _ = await asyncio.wait([asyncio.create_task(nap(n)) for n in range(3)])
            return got + [t.result() for t in done]
        print(asyncio.run(main()))
    """
    out = always_the_same(play, source).splitlines()
    assert out == [repr(b"HELLO"), repr(["0\n", "1\n", "2\n"]), repr([0, 1, 2, 3, 3, 4, 0, 0, 1, 2])]


def test_a_fork_in_a_thread_leaves_a_working_child(play) -> None:
    source = """
        import os, threading, time
        def work(n):
            pid = os.fork()
            if not pid:
                t = threading.Thread(target=time.sleep, args=(0.01,)); t.start(); t.join()
                os._exit(10 + n)
            print(n, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
        threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
        [t.start() for t in threads]
        [t.join() for t in threads]
    """
    assert always_the_same(play, source) == "0 10\n1 11\n2 12\n"


def test_a_schedule_that_gets_stuck_is_given_up(play) -> None:
    """One thread waits in C code for another, which cannot run meanwhile: the run ends, and says what happened."""
    played = play(
        """
        import os, threading
        r, w = os.pipe()
        def writer(): os.write(w, b"x")
        def reader(): print(os.read(r, 1))
        threads = [threading.Thread(target=f) for f in (reader, writer)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        """,
        HELD,
    )
    assert played.out == "b'x'\n"
    assert "let run freely" in str(played.gave_up)


def test_locks_cannot_be_pickled_and_conditions_know_their_owner(play) -> None:
    out = always_the_same(
        play,
        """
        import copy, logging, pickle, threading, weakref
        for make in (threading.Lock, threading.RLock):
            lock = make()
            weakref.ref(lock)
            try: pickle.dumps(lock)
            except TypeError as error: print(error)
            with lock: print(lock.locked() if hasattr(lock, "locked") else True)
            try: lock.release()
            except RuntimeError as error: print(error)
        c = threading.Condition(threading.Lock())
        try: c.notify()
        except RuntimeError as error: print(error)
        with c: c.notify()
        print(isinstance(threading.Lock(), type(threading.Lock())))
        """,
        1,
    )
    assert out.count("cannot pickle") == 2
    assert "cannot notify on un-acquired lock" in out
    assert out.endswith("True\n")


# --- what is noted ----------------------------------------------------------------------------------------------


def test_the_line_where_the_order_enters_is_noted(play) -> None:
    used = play(
        """
        import queue, threading
        from concurrent.futures import ThreadPoolExecutor, as_completed
        q = queue.Queue()
        for n in range(2):
            threading.Thread(target=q.put, args=(n,)).start()
        for n in range(2):
            q.get()
        with ThreadPoolExecutor() as pool:
            fs = [pool.submit(str, n) for n in range(3)]
            for f in as_completed(fs):
                f.result()
        """
    ).uses[ID]
    assert used == {"main.py:8": 2, "main.py:11": 3}


def test_where_nothing_is_taken_as_it_comes_the_start_is_noted(play) -> None:
    used = play(
        """
        import queue, threading
        q = queue.Queue()
        def work():
            q.get()
        t = threading.Thread(target=work)
        t.start()
        q.put(1)  # one producer alone
        t.join()
        """
    ).uses[ID]
    assert used == {"main.py:7": 1}


def test_a_program_without_threads_does_not_use_it(play) -> None:
    assert ID not in play("import threading, queue; q = queue.Queue(); q.put(1); q.get(); print(threading.Lock())").uses


# --- libraries --------------------------------------------------------------------------------------------------


def test_a_loader_that_gives_batches_as_they_come_is_put_in_order(play) -> None:
    pytest.importorskip("torch")
    source = """
        import time, torch
        from torch.utils.data import DataLoader, Dataset
        class Slow(Dataset):
            def __len__(self): return 12
            def __getitem__(self, i):
                time.sleep(0.02 if i % 4 == 0 else 0)
                return i
        if __name__ == "__main__":
            print([int(b[0]) for b in DataLoader(Slow(), batch_size=2, num_workers=2, in_order=False)])
            list(DataLoader(Slow(), batch_size=2, num_workers=2))
    """
    assert always_the_same(play, source, 2) == f"{list(range(0, 12, 2))}\n"
    free = play(source)
    assert free.uses[ID] == {"main.py:10": 1}


def test_joblib_s_workers_stay_processes_and_its_threads_take_turns(play) -> None:
    pytest.importorskip("joblib")
    source = """
        import os, time
        from joblib import Parallel, delayed
        def task(n, out):
            time.sleep(0.001 * (5 - n % 5))
            out.append(n)
            return n, os.getpid()
        if __name__ == "__main__":
            out = []
            got = Parallel(n_jobs=3)(delayed(task)(n, out) for n in range(6))
            print([n for n, _ in got], {p for _, p in got} & {os.getpid()}, len({p for _, p in got}), out)
            print([n for n, _ in Parallel(n_jobs=2, return_as="generator_unordered")(delayed(task)(n, out) for n in range(6))])
            Parallel(n_jobs=3, backend="threading")(delayed(task)(n, out) for n in range(9))
            print(out)
    """
    out = always_the_same(play, source, 2).splitlines()
    assert out[0] == f"{list(range(6))} set() 1 []"
    assert out[1] == str(list(range(6)))


@pytest.mark.slow
def test_sums_of_a_forest_s_trees_repeat(play) -> None:
    pytest.importorskip("sklearn")
    source = """
        import numpy as np
        from sklearn.ensemble import RandomForestRegressor
        x = np.random.default_rng(0).normal(size=(2000, 8)); y = x @ np.arange(8) + np.sin(x).sum(axis=1)
        model = RandomForestRegressor(40, max_depth=7, random_state=0, n_jobs=4).fit(x, y)
        print(model.predict(x).tobytes().hex()[:4000])
    """
    always_the_same(play, source, 3)


@pytest.mark.slow
def test_word2vec_s_threads_repeat(play) -> None:
    pytest.importorskip("gensim")
    source = """
        from gensim.models import Word2Vec
        sentences = [[f"w{(i * j) % 50}" for j in range(20)] for i in range(300)]
        model = Word2Vec(sentences, vector_size=16, min_count=1, workers=4, seed=1, epochs=2, hashfxn=lambda s: sum(map(ord, s)))
        print(model.wv.vectors.tobytes().hex()[:4000])
    """
    always_the_same(play, source, 3)
