"""Numbers of processes and threads as the user's code sees them, and never as the system does."""

from __future__ import annotations

from reprotest.factors import Setting, factor

OWN = """
    import getpass, multiprocessing, os, platform, socket, threading

    print(os.getpid())
    print(os.getppid())
    print(threading.get_ident(), threading.current_thread().ident)
    print(threading.get_native_id())
    print(multiprocessing.current_process().pid)
    print(socket.gethostname(), platform.node(), getpass.getuser())
"""


def test_every_use_is_noted(play) -> None:
    assert sorted(play(OWN).uses["process.id"]) == [f"main.py:{n}" for n in range(4, 10)]


def test_numbers_are_held_and_varied_but_names_only_by_the_second_variant(play) -> None:
    first, again, other, moved = (play(OWN, {"process.id": k}).out.splitlines() for k in (0, 0, 1, 2))
    assert first == again
    assert [a == b for a, b in zip(first, other, strict=True)] == [False] * 5 + [True]
    assert [a == b for a, b in zip(first, moved, strict=True)] == [False] * 6
    assert int(first[0]) > 2**22, "could be a process of this machine"
    assert first[0] == first[3] == first[4]


def test_one_line_alone_varies(play) -> None:
    first = play(OWN, {"process.id": 0}).out.splitlines()
    for i in (1, 2, 4):
        one = play(OWN, {"process.id": Setting(seed=7, variant=1, only=(f"main.py:{4 + i}",))}).out.splitlines()
        assert [k for k, (a, b) in enumerate(zip(first, one, strict=True)) if a != b] == [i]


def test_held_numbers_reach_the_system_as_real_ones(play) -> None:
    played = play(
        """
        import os, signal, sys, threading, time
        import psutil

        got = []
        signal.signal(signal.SIGUSR1, lambda *_: got.append(1))
        os.kill(os.getpid(), signal.SIGUSR1)
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        time.sleep(0.01)
        print(got)
        os.kill(os.getpid(), 0)
        print(len(os.sched_getaffinity(os.getpid())) > 0, os.getpgid(os.getpid()) > 0)
        print(psutil.Process(os.getpid()).memory_info().rss > 0, psutil.pid_exists(os.getpid()))
        with open(f"/proc/{os.getpid()}/statm") as file:
            print(len(file.read().split()))
        print(threading.get_ident() in sys._current_frames())
        child = os.fork()
        if child == 0:
            os._exit(3)
        print(os.waitpid(child, 0)[1] >> 8)
        """,
        {"process.id": 0},
    )
    assert played.out.splitlines() == ["[1, 1]", "True True", "True True", "7", "True", "3"]


def test_parents_and_children_agree_on_their_numbers(play) -> None:
    source = """
        import multiprocessing, os, signal, time

        def tell(queue):
            queue.put((os.getpid(), os.getppid(), multiprocessing.parent_process().pid))

        def wait(queue):
            queue.put(os.getpid())
            time.sleep(60)

        if __name__ == "__main__":
            for method in ("fork", "spawn"):
                context = multiprocessing.get_context(method)
                queue = context.Queue()
                child = context.Process(target=tell, args=(queue,))
                child.start()
                own, parent, known = queue.get()
                print(own, own == child.pid, parent == known == os.getpid())
                child.join()
                child = context.Process(target=wait, args=(queue,))
                child.start()
                os.kill(queue.get(), signal.SIGTERM)
                child.join()
                print(child.exitcode)
    """
    first = play(source, {"process.id": 0}).out
    assert play(source, {"process.id": 0}).out == first
    assert [line.split()[-2:] if " " in line else line for line in first.splitlines()] == [["True", "True"], "-15"] * 2


def test_two_perturbations_are_described() -> None:
    assert [factor("process.id").perturb(k) is not None for k in (1, 2, 3)] == [True, True, False]
