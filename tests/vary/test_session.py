"""What `vary` says of small programs whose sensitivities are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reprotest.factors import all_factors

Varied = Callable[..., dict[str, Any]]


def named(report: dict[str, Any]) -> set[str]:
    return {item["factor"] for item in report["sensitive_to"]}


@pytest.mark.slow
def test_a_program_that_depends_on_nothing_gets_an_empty_table(varied: Varied) -> None:
    report = varied(
        """
        import hashlib, os, random, sys
        import reprotest

        words = sorted({"to", "be", "or", "not"})
        rng = random.Random(3)
        for _ in range(4):
            reprotest.observe("value", rng.random())
        reprotest.observe("names", ",".join(sorted(os.listdir(os.path.dirname(os.path.abspath(__file__))))[:0]))
        reprotest.observe("digest", hashlib.sha256(" ".join(words).encode()).hexdigest())
        open("log.txt", "a").write(f"{os.getpid()} {id(rng)} {os.getcwd()}")
        """
    )
    assert (report["verdict"], report["code"]) == ("insensitive", 0)
    assert report["sensitive_to"] == []
    skipped = {item["factor"]: item["why"] for item in report["skipped"]}
    assert sorted([*report["insensitive_to"], *skipped]) == sorted(one.id for one in all_factors())
    assert skipped["torch.random"] == "PyTorch is not used"
    assert len(report["trials"]) < 12, "what does not matter is tried together"
    assert report["complete"] is True


@pytest.mark.parametrize(
    ("expression", "factor"),
    [
        ("time.localtime(1_700_000_000).tm_hour", "timezone"),
        ("os.environ.get('LC_ALL')", "locale"),
        ("os.path.expanduser('~')", "cwd"),
        ("os.getcwd()", "cwd"),
        ("str(os.umask(0o22))", "environment"),
        ("len(os.environ.get('REPROTEST_NOISE', ''))", "environment"),
        ("len(os.environ)", "environment"),
        ("sorted(os.environb.copy())", "environment"),
        ("os.uname().nodename", "process.id"),
        ("socket.gethostname()", "process.id"),
        ("os.environ['OMP_NUM_THREADS']", "threads.count"),
        ("os.environ.get('OPENBLAS_CORETYPE')", "cpu.isa"),
    ],
)
def test_the_factor_that_a_program_depends_on_is_named_and_no_other(
    varied: Varied, expression: str, factor: str
) -> None:
    source = f"""
        import os, socket, time
        import reprotest
        reprotest.observe("value", {expression})
        """
    chosen = "--vary=+timezone,+locale,+cwd,+environment,+process.id,+threads.count,+cpu.isa"
    report = varied(source, chosen, environment={"OMP_NUM_THREADS": "2"})
    assert (report["verdict"], report["code"]) == ("sensitive", 1)
    assert named(report) == {factor}
    item = report["sensitive_to"][0]
    assert item["first_difference"]["location"] == "train.py:3"
    assert item["from"] != item["to"]


def test_thread_counts_are_told_as_plain_numbers(varied: Varied, tmp_path: Path) -> None:
    report = varied(
        "import os, reprotest; reprotest.observe('n', float(os.environ['OMP_NUM_THREADS']))",
        "--vary=+threads.count",
        environment={"OMP_NUM_THREADS": "3"},
    )
    first = report["sensitive_to"][0]
    [record] = report["records"]
    assert (tmp_path / record / "seal.json").exists()
    assert (first["from"], first["to"]) == ("3", "1")
    assert first["final"]["max_abs"] == 2.0
    assert first["course"] == "elsewhere"


def test_the_size_is_told_where_it_begins_and_where_it_ends(varied: Varied) -> None:
    report = varied(
        """
        import os, time
        import reprotest
        value = 1.0 + (time.localtime(0).tm_hour == 14) * 2**-52
        for _ in range(10):
            reprotest.observe("value", value)
            value = 1 + (value - 1) * 2
        """,
        "--vary=+timezone",
    )
    first = report["sensitive_to"][0]
    assert first["first_difference"]["ulp"] == 1
    assert first["final"]["ulp"] == 2**9
    assert first["course"] == "drift"


def test_a_program_that_differs_when_repeated_is_unstable(varied: Varied) -> None:
    report = varied(
        """
        import reprotest
        reprotest.observe("id", open("/proc/sys/kernel/random/uuid").read())
        """
    )
    assert (report["verdict"], report["code"]) == ("unstable", 1)
    assert report["first_difference"]["name"] == "id"
    assert report["sensitive_to"] == []


def test_an_unseeded_program_is_unstable_and_its_factor_named(varied: Varied) -> None:
    report = varied(
        "import random, reprotest; reprotest.observe('draw', random.random())",
        "--vary=+python.random,+locale,+python.hash",
    )
    assert report["verdict"] == "unstable"
    assert named(report) == {"python.random"}
    assert report["insensitive_to"] == ["python.hash", "locale"]


def test_an_order_of_files_is_a_sensitivity_of_a_stable_program(varied: Varied) -> None:
    report = varied(
        """
        import os, reprotest
        os.makedirs("data", exist_ok=True)
        for name in "abcdef":
            open(f"data/{name}", "w").close()
        reprotest.observe("order", "".join(os.listdir("data")))
        """,
        "--vary=+file.order,+external.state",
    )
    assert report["verdict"] == "sensitive"
    assert named(report) == {"file.order"}


def test_a_warm_cache_is_told_from_a_cold_one_and_put_back(varied: Varied, tmp_path: Path) -> None:
    report = varied(
        """
        import os, reprotest
        if not os.path.exists("cache.txt"):
            open("cache.txt", "w").write("0.1")
            value = 0.1 + 1e-9
        else:
            value = float(open("cache.txt").read())
        reprotest.observe("value", value)
        """,
        "--vary=+external.state,+cwd",
    )
    assert named(report) == {"external.state"}
    assert not (tmp_path / "cache.txt").exists(), "the machine is left as it was"


def test_addresses_do_not_make_everything_else_guilty(varied: Varied) -> None:
    report = varied(
        """
        import reprotest

        class Word:
            pass

        words = [Word() for _ in range(50)]
        place = {id(word): n for n, word in enumerate(words)}
        reprotest.observe("order", ",".join(str(words.index(word)) for word in set(words)))
        """,
        "--vary=-threads.count,-cpu.isa",
    )
    assert named(report) == {"memory.address"}


def test_two_variations_that_act_only_together_are_named_together(varied: Varied) -> None:
    report = varied(
        """
        import os, time
        import reprotest
        both = time.localtime(0).tm_hour == 14 and os.environ.get("OMP_NUM_THREADS") == "1"
        reprotest.observe("both", int(both))
        """,
        "--vary=+timezone,+threads.count,+locale",
        environment={"OMP_NUM_THREADS": "2"},
    )
    together = {item["factor"]: [other["factor"] for other in item["beside"]] for item in report["sensitive_to"]}
    assert together == {"threads.count": ["timezone"], "timezone": ["threads.count"]}
    assert report["insensitive_to"] == ["locale"]
    assert "depend on threads.count together with timezone (3 factors varied)" in " ".join(report["shown"].split())


def test_a_program_that_fails_under_a_variation_says_what_it_said(varied: Varied) -> None:
    report = varied(
        """
        import os, reprotest
        reprotest.observe("a", 1)
        if "REPROTEST_NOISE" in os.environ:
            raise SystemExit("too much of it")
        reprotest.observe("b", 2)
        """,
        "--vary=+environment,+cwd",
    )
    assert named(report) == {"environment"}
    assert "too much of it" in report["sensitive_to"][0]["first_difference"]["note"]


def test_a_command_that_fails_by_itself_is_an_error(varied: Varied) -> None:
    report = varied("raise SystemExit(7)")
    assert (report["verdict"], report["code"]) == ("error", 3)
    assert "exited with code 7" in report["error"]


def test_output_is_compared_where_nothing_else_was_seen(varied: Varied) -> None:
    report = varied("import time; print(time.localtime(0).tm_hour * 1.5)", "--vary=+timezone,+locale")
    assert named(report) == {"timezone"}
    assert report["sensitive_to"][0]["first_difference"]["phase"] == "output"


def test_the_report_for_people_names_it_all(varied: Varied) -> None:
    report = varied(
        "import time, reprotest; reprotest.observe('h', time.localtime(0).tm_hour)",
        "--vary=-python.*",
        environment={"COLUMNS": "160"},
    )
    shown = " ".join(report["shown"].split())
    assert "Sensitive. train.py gives the same bits whenever it is repeated here, but they depend on timezone" in shown
    assert "TZ=UTC → TZ=REPROA-14 (UTC+14)" in shown
    assert "python.random and python.hash: not asked for" in shown


def test_addresses_that_cannot_be_held_are_named_all_the_same(varied: Varied) -> None:
    """How much is allocated before depends on what is not held; told apart by creation order, the objects are as before."""
    source = """
        import reprotest

        class Node:
            pass

        with open("/proc/uptime") as file:
            kept = [bytearray(700) for _ in range(int(float(file.read().split()[0]) * 100) % 997)]
        nodes = [Node() for _ in range(50)]
        reprotest.observe("order", [nodes.index(node) for node in set(nodes)])
        """
    report = varied(source, "--vary=+memory.address,+timezone,+file.order")
    assert report["verdict"] == "unstable"
    assert named(report) == {"memory.address"}
    assert report["insensitive_to"] == ["file.order", "timezone"]


def test_a_cache_does_not_hide_on_what_its_making_depends(varied: Varied) -> None:
    source = """
        import os, time
        import reprotest

        if not os.path.exists("cache.txt"):
            with open("cache.txt", "w") as file:
                file.write(str(time.localtime(0).tm_hour))
        with open("cache.txt") as file:
            reprotest.observe("hour", float(file.read()))
        """
    report = varied(source, "--vary=+external.state,+timezone,+file.order,+locale")
    assert named(report) == {"timezone"}
    assert {"external.state", "file.order", "locale"} <= set(report["insensitive_to"])
