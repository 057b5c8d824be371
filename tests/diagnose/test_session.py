"""From two runs that differ to the causes, on small programs in fresh processes."""

from __future__ import annotations

import tempfile
import textwrap
from pathlib import Path

import pytest

from reprotest.result import RunReport

pytestmark = pytest.mark.slow


def causes(report: RunReport) -> dict[str, tuple[bool, str | None]]:
    return {cause.factor: (cause.proven, cause.location) for cause in report.causes}


def test_one_cause_is_proven_with_its_line(explain) -> None:  # type: ignore[no-untyped-def]
    report = explain(
        """
        import numpy as np
        import reprotest
        rng = np.random.default_rng()
        for _ in range(3):
            reprotest.observe("loss", rng.normal())
        """
    )
    assert report.verdict == "different"
    assert causes(report) == {"numpy.random": (True, "train.py:3")}
    assert [e.outcome for e in report.experiments] == ["identical", "different", "identical"]


def test_two_causes_at_once_are_both_found(explain) -> None:  # type: ignore[no-untyped-def]
    report = explain(
        """
        import random
        import reprotest
        words = {"to", "be", "or", "not", "that", "is", "the", "question"}
        vocabulary = list(words)
        reprotest.observe("index", vocabulary.index("be"))
        reprotest.observe("order", "".join(vocabulary))
        reprotest.observe("noise", random.random())
        """
    )
    assert causes(report) == {"python.random": (True, "train.py:7"), "python.hash": (True, "train.py:4")}


def test_what_is_used_without_effect_is_watched_not_blamed(explain) -> None:  # type: ignore[no-untyped-def]
    report = explain(
        """
        import time, uuid
        import numpy as np
        import reprotest
        start = time.time()
        name = f"run-{uuid.uuid4()}"
        reprotest.observe("loss", np.random.rand())
        print(name, time.time() - start)
        """
    )
    assert list(causes(report)) == ["numpy.random"]
    watched = {w.factor: w.affects_result for w in report.watched}
    assert watched["clock"] is False
    assert watched["os.entropy"] is False


def test_only_the_guilty_line_among_several_is_named(explain) -> None:  # type: ignore[no-untyped-def]
    report = explain(
        """
        import numpy as np
        import reprotest
        jitter = np.random.default_rng().random()
        weights = np.random.default_rng().random(3)
        reprotest.observe("weights", weights)
        """
    )
    assert causes(report) == {"numpy.random": (True, "train.py:4")}


def test_agreement_says_what_was_not_varied(explain) -> None:  # type: ignore[no-untyped-def]
    report = explain("import reprotest\nreprotest.observe('x', 1.0)\n", runs=3)
    assert report.verdict == "identical"
    assert report.runs == 3
    assert report.causes == []
    assert report.first_difference is None
    assert {"threads.count", "cpu.isa"} <= set(report.not_varied)


def test_without_diagnosis_only_the_difference_is_told(explain) -> None:  # type: ignore[no-untyped-def]
    report = explain("import os, reprotest\nreprotest.observe('x', os.urandom(4))\n", diagnose=False)
    assert report.verdict == "different"
    assert report.experiments == []
    assert report.first_difference is not None
    assert report.first_difference.name == "x"


def test_records_of_the_repeated_runs_stay_and_those_of_experiments_go(explain, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    report = explain("import os, reprotest\nreprotest.observe('x', os.urandom(4))\n")
    assert sorted(str(p.relative_to(tmp_path)) for p in (tmp_path / ".reprotest" / "runs").iterdir()) == report.records
    assert (tmp_path / report.records[0] / "manifest.json").is_file()


@pytest.mark.parametrize(
    ("disturbed", "proven", "experiments"),
    [
        ("== 3", True, ["everything pinned, again", "everything pinned, a fifth time"]),
        ("== 4", True, ["everything pinned, again"]),
        ("% 2", False, ["everything pinned, again"]),
    ],
)
def test_one_disturbed_run_does_not_spoil_the_rest(  # type: ignore[no-untyped-def]
    explain, disturbed: str, proven: bool, experiments: list[str]
) -> None:
    """The third and the fourth run are those with everything pinned. What differs in every other run is no disturbance."""
    report = explain(
        f"""
        import os
        import numpy as np
        import reprotest

        run = len(os.listdir(".reprotest/runs"))
        reprotest.observe("noise", np.random.default_rng().normal() + (run {disturbed}))
        """
    )
    assert causes(report) == ({"numpy.random": (True, "train.py:6")} if proven else {})
    made = [row.what for row in report.experiments]
    assert made[: 1 + len(experiments)] == ["everything pinned", *experiments]
    assert ("everything pinned, once more" in made) == proven


def test_a_race_that_shows_at_another_step_each_time_is_proven(explain) -> None:  # type: ignore[no-untyped-def]
    """The repeated runs differ at step 0, and no experiment ever does: they see another number of records."""
    report = explain(
        """
        import os
        import threading
        import time
        import torch

        second_run = len(os.listdir(".reprotest/runs")) == 2

        def arrive(seconds, number, arrived):
            time.sleep(seconds)
            arrived.append(number)

        def arrivals(delays):
            arrived = []
            threads = [threading.Thread(target=arrive, args=(s, i, arrived)) for i, s in enumerate(delays)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return arrived

        torch.manual_seed(0)
        model = torch.nn.Linear(8, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for step in range(10):
            first = [0.4, 0.2] if second_run else [0.2, 0.4]
            order = arrivals([*first, 0.6] if step == 0 else [0.01] * 8)
            order = torch.tensor((order * 8)[:8], dtype=torch.float32) / 8
            loss = model(order).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        """
    )
    assert report.first_difference is not None
    assert report.first_difference.step == 0
    assert causes(report) == {"threads.schedule": (True, "train.py:16")}
    assert any("to the end" in experiment.what for experiment in report.experiments)


def test_an_operator_that_does_not_differ_again_when_it_is_looked_at_closely_is_found_later(explain) -> None:  # type: ignore[no-untyped-def]
    """Stands for a race in a kernel: it shows in the repeated runs and in the experiments, not while the difference is located."""
    report = explain(
        """
        import os
        import torch

        run = len(os.listdir(".reprotest/runs"))
        is_racing = not torch.are_deterministic_algorithms_enabled() and run not in range(3, 9)
        torch.manual_seed(0)
        model = torch.nn.Linear(8, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for step in range(2):
            grid = torch.ones(8)
            grid = torch.mul(grid, 1 + run / 1000 if is_racing else 1.0)
            loss = model(grid).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        """
    )
    assert all(seen.op is None for seen in report.located)
    assert causes(report) == {"torch.kernels": (True, "train.py:11")}


def test_an_order_of_threads_that_is_the_same_every_time_is_no_cause_though_another_is_pinned(explain) -> None:  # type: ignore[no-untyped-def]
    report = explain(
        """
        import threading
        import time
        from concurrent.futures import ThreadPoolExecutor, as_completed
        import torch

        later = threading.Event()

        def load(number):
            if number == 0:
                later.wait()
                time.sleep(0.5)
            else:
                later.set()
            return torch.full((8,), 1.0 / (number + 3))

        torch.manual_seed(0)
        model = torch.nn.Linear(8, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(load, number) for number in range(2)]
            parts = [future.result() for future in as_completed(futures)]
        batch = torch.stack(parts)
        for step in range(3):
            loss = (model(batch) * torch.tensor([[1.0], [2.0]])).pow(2).mean()
            loss = loss * (1 + time.time_ns() % 1000 * 1e-6)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        """
    )
    assert causes(report) == {"clock": (True, "train.py:25")}
    tried = next(experiment for experiment in report.experiments if experiment.factor == "threads.schedule")
    assert tried.note is not None
    assert "the same every time" in tried.note


def test_temporary_folders_that_runs_leave_behind(explain, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Each experiment would meet the folder of the one before under the name that is held; what the repeated runs left is the user's."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    report = explain(
        """
        import random
        import tempfile
        import zlib
        import reprotest
        folder = tempfile.mkdtemp()
        seed = zlib.crc32(folder.encode())
        reprotest.observe("loss", random.Random(seed).random())
        """
    )
    assert causes(report) == {"os.entropy": (True, "train.py:5")}
    assert len(list(scratch.iterdir())) == report.runs


def test_folders_of_workers_that_were_ended_early(explain, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """A worker hands its tensors over through a socket in a temporary folder, which it deletes only when it ends by itself."""
    # Not below tmp_path: a socket's path may be 107 characters long, and a worker that cannot make its own sends nothing, for ever.
    with tempfile.TemporaryDirectory() as scratch:
        monkeypatch.setenv("TMPDIR", scratch)
        report = explain(
            """
            import torch
            from torch.utils.data import DataLoader

            model = torch.nn.Linear(4, 1)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            for batch in DataLoader(torch.ones(64, 4), batch_size=4, num_workers=1):
                optimizer.zero_grad()
                model(batch).sum().backward()
                optimizer.step()
            """,
            steps=4,
        )
        assert causes(report) == {"torch.random": (True, "train.py:4")}
        assert list(Path(scratch).glob("pymp-*")) == []


def test_a_helper_that_differs_earlier_does_not_hide_where_the_training_does(explain, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """The words of one program number the rows that the other one trains on, as nanoGPT's prepare.py does for its train.py."""
    (tmp_path / "prepare.py").write_text(
        textwrap.dedent(
            """
            import numpy as np

            words = [f"word{i}" for i in range(64)]
            order = list(set(words))
            ids = np.array([order.index(word) for word in words])
            ids.tofile("ids.bin")
            """
        ).lstrip()
    )
    report = explain(
        """
        import subprocess
        import sys
        import numpy as np
        import torch

        subprocess.run([sys.executable, "prepare.py"], check=True)
        rows = torch.from_numpy(np.fromfile("ids.bin", dtype=np.int64))
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Embedding(64, 4), torch.nn.Linear(4, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for step in range(3):
            loss = model(rows[step * 8 : step * 8 + 8]).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        """
    )
    assert causes(report) == {"python.hash": (True, "prepare.py:4")}
    first = report.first_difference
    assert first is not None
    assert (first.step, first.phase, first.location, first.stream) == (0, "data", "train.py:12", "main")


def test_a_lock_that_a_program_deletes_at_its_exit(explain, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Runs that are ended early neither keep the next one from starting nor leave the lock behind."""
    report = explain(
        """
        import atexit
        import os
        import sys
        import numpy as np
        import torch

        try:
            os.close(os.open("train.lock", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            sys.exit("another training is running")
        atexit.register(os.unlink, "train.lock")
        torch.manual_seed(0)
        model = torch.nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for step in range(6):
            noise = torch.from_numpy(np.random.normal(size=(8, 4))).float()
            optimizer.zero_grad()
            model(noise).pow(2).mean().backward()
            optimizer.step()
        """,
        steps=4,
    )
    assert causes(report) == {"numpy.random": (True, "train.py:16")}
    assert report.first_difference is not None
    assert (report.first_difference.step, report.first_difference.phase) == (0, "data")
    assert not (tmp_path / "train.lock").exists()


def test_a_large_value_does_not_hide_the_one_beside_it(explain) -> None:  # type: ignore[no-untyped-def]
    """The nodes of a graph lead to each other, so that looking at one list of them alone takes a while."""
    report = explain(
        """
        import random
        import reprotest

        class Node:
            def __init__(self, number):
                self.number, self.others = number, []

        rng = random.Random(0)
        nodes = [Node(i) for i in range(200)]
        for node in nodes:
            node.others = rng.sample(nodes, 4)
        reached = list({other for node in nodes for other in node.others})
        index = {node: i for i, node in enumerate(reached)}
        reprotest.observe("order", [node.number for node in index])
        """
    )
    assert causes(report) == {"memory.address": (True, "train.py:12")}


def test_a_draw_that_comes_first_does_not_pass_for_the_weights_that_differ(explain) -> None:  # type: ignore[no-untyped-def]
    report = explain(
        """
        import torch
        thrown_away = torch.randn(7, 5)
        model = torch.nn.Linear(2, 1, bias=False)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        model(torch.ones(3, 2)).sum().backward()
        optimizer.step()
        """
    )
    first = report.first_difference
    assert first is not None
    assert (first.phase, first.op, first.location) == ("init", "aten::uniform_", "train.py:3")
    assert first.note == "2 of 2 elements differ, the first at [0, 0]"
    assert [seen.location for seen in report.located] == ["train.py:3", "train.py:2"]
    assert causes(report) == {"torch.random": (True, "train.py:2")}


def test_a_batch_that_no_operator_makes_is_where_it_is_asked_for(explain) -> None:  # type: ignore[no-untyped-def]
    report = explain(
        """
        import numpy as np
        import torch
        from torch.utils.data import DataLoader
        torch.randn(3)
        model = torch.nn.Linear(2, 1)
        torch.nn.init.zeros_(model.weight)
        torch.nn.init.zeros_(model.bias)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        rows = [np.full(2, n, np.float32) for n in range(64)]
        collate = lambda rows: {"x": torch.from_numpy(np.stack(rows))}
        for batch in DataLoader(rows, batch_size=16, shuffle=True, collate_fn=collate):
            model(batch["x"]).sum().backward()
            optimizer.step()
        """
    )
    first = report.first_difference
    assert first is not None
    assert (first.phase, first.name, first.op, first.location) == ("data", "batch['x']", None, "train.py:11")
    assert causes(report) == {"torch.random": (True, "train.py:4")}
