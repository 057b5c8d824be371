"""What a first run leaves in its process for the next one there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Varied = Callable[..., dict[str, Any]]
CHOSEN = "--vary=+external.state,+numpy.random,+python.random"


def changes(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [(item["factor"], item["to"]) for item in report["sensitive_to"]]


SECOND = ("external.state", "after a first run in the same process")


def test_what_stays_in_an_imported_module_is_found(varied: Varied, tmp_path: Path) -> None:
    (tmp_path / "registry.py").write_text("import random\nrng = random.Random(4)\nseen = []\n")
    report = varied(
        """
        import registry, reprotest
        registry.seen.append("layer")
        reprotest.observe("name", f"layer_{len(registry.seen)}")
        """,
        CHOSEN,
    )
    assert report["verdict"] == "sensitive"
    assert changes(report) == [SECOND]
    assert report["sensitive_to"][0]["first_difference"]["location"] == "train.py:3"


def test_a_script_that_begins_anew_depends_on_nothing(varied: Varied, tmp_path: Path) -> None:
    """Draws without a seed, threads' names, arguments, the environment, output and leaving early are as in a process of its own."""
    report = varied(
        """
        import atexit, multiprocessing, os, random, sys, threading
        import numpy as np
        import reprotest

        def work():
            reprotest.observe("in a thread", threading.current_thread().name)

        def send(queue):
            queue.put(multiprocessing.current_process().name)

        if __name__ == "__main__":
            reprotest.observe("draws", [random.random(), float(np.random.rand()), float(np.random.default_rng().random())])
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            queue = multiprocessing.get_context("spawn").SimpleQueue()
            process = multiprocessing.get_context("spawn").Process(target=send, args=(queue,))
            process.start()
            reprotest.observe("name", queue.get())
            process.join()
            reprotest.observe("given", [*sys.argv[1:], os.environ.get("OF_THE_RUN", "none"), os.getcwd()])
            os.environ["OF_THE_RUN"] = "left"
            os.chdir("/")
            sys.argv.append("left")
            print("done")
            sys.exit(0)
        """,
        "--vary=+external.state",
    )
    assert (report["verdict"], changes(report), report["untried"]) == ("insensitive", [], [])
    assert ["external.state: after a first run in the same process"] in [trial["what"] for trial in report["trials"]]


def test_a_program_that_cannot_run_twice_was_never_asked_to(varied: Varied) -> None:
    report = varied(
        """
        import logging, sys, reprotest
        reprotest.observe("a", 1)
        if getattr(logging, "set_up_once", False):
            sys.exit("it is set up already")
        logging.set_up_once = True
        """,
        "--vary=+external.state",
    )
    assert report["verdict"] == "insensitive"
    assert [(item["to"], "it is set up already" in item["why"]) for item in report["untried"]] == [(SECOND[1], True)]


def test_it_says_nothing_of_a_program_that_does_not_repeat(varied: Varied) -> None:
    report = varied("import random, reprotest; reprotest.observe('draw', random.random())", CHOSEN)
    assert report["verdict"] == "unstable"
    assert [item["factor"] for item in report["sensitive_to"]] == ["python.random"]
    assert {item["to"] for item in report["untried"]} == {SECOND[1]}


@pytest.mark.slow
def test_a_trained_model_is_compared_from_its_second_training_on(varied: Varied, tmp_path: Path) -> None:
    """The output of the first one is not seen, nor are its steps; the generators begin anew."""
    (tmp_path / "precision.py").write_text("steps = []\n")
    source = """
        import torch
        import precision
        model = torch.nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            precision.steps.append(1)
            optimizer.zero_grad()
            model(torch.ones(2, 4)).pow(2).mean().mul(SCALE).backward()
            optimizer.step()
        """
    steady = varied(source.replace("SCALE", "1.0"), "--vary=+external.state")
    assert (steady["verdict"], steady["steps"], steady["untried"]) == ("insensitive", 3, [])
    report = varied(source.replace("SCALE", "1.0 / len(precision.steps)"), "--vary=+external.state")
    assert changes(report) == [SECOND]
    assert (report["sensitive_to"][0]["first_difference"]["step"], report["sensitive_to"][0]["course"]) == (
        0,
        "elsewhere",
    )
