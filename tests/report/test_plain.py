from __future__ import annotations

from pathlib import Path

from reprotest.report.plain import compared_anything, failure, message
from reprotest.result import RunReport


def test_an_assertion_says_what_differs_why_and_what_to_do(samples: dict[str, RunReport], project: Path) -> None:
    assert message(samples["two_causes"]) == (
        "train.py is not reproducible: 2 runs (40 steps each) differ\n"
        "  first difference: step 0, input data: batch[0] (train.py:11): the same rows in another order\n"
        "  cause: numpy.random at train.py:9 (proven): pinned: identical; left to vary: different\n"
        "    > 9 | order = np.random.permutation(n)\n"
        "  what to change: pass a seed: np.random.seed(…) before the first draw, or np.random.default_rng(seed)\n"
        "  cause: python.hash at train.py:15 (proven): pinned: identical; left to vary: different\n"
        '    > 15 | names = set(open("names.txt").read().split())\n'
        "  what to change: sort the set before it is used, or set PYTHONHASHSEED before Python starts\n"
        "  records: .reprotest/runs/a, .reprotest/runs/b"
    )


def test_no_cause(samples: dict[str, RunReport]) -> None:
    assert "cause: not found by 3 experiments" in message(samples["race"])
    assert "cause: not looked for" in message(samples["died"])


def test_a_failure_shows_the_end_of_what_it_wrote(samples: dict[str, RunReport], project: Path) -> None:
    assert failure(samples["error"]) == (
        "train.py failed by itself, so there is nothing to compare: run 1 of 2 exited with code 3\n"
        "  epoch 1: 100%\n"
        "  Traceback (most recent call last):\n"
        '    File "train.py", line 9, in <module>\n'
        '      login("***")\n'
        "  ValueError: no access with token=***"
    )


def test_compared_anything(samples: dict[str, RunReport]) -> None:
    assert compared_anything(samples["identical"])
    assert not compared_anything(samples["error"])
