"""What comes from other programs and from the kernel is remembered, for the differences that nothing else explains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.answers import answering

from reprotest.result import RunReport

Explain = Callable[..., RunReport]


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("subprocess.check_output(['date', '+%N'])", "the program date"),
        ("os.popen('LC_ALL=C date +%N').read()", "the program date"),
        ("subprocess.run(b'/bin/date +%N', shell=True)", "the program date"),
        ("os.system('true --password=secret')", "the program true"),
        ("open('/proc/uptime').read()", "/proc/uptime"),
        ("pathlib.Path('/proc/self/stat').read_bytes()", "/proc/self/stat"),
        ("os.getloadavg()", "os.getloadavg"),
        ("shutil.disk_usage('.')", "os.statvfs"),
        ("resource.getrusage(resource.RUSAGE_SELF)", "resource.getrusage"),
    ],
)
def test_it_is_told_with_its_line(play: Callable[..., Any], expression: str, what: str) -> None:
    extras = play(f"import os, pathlib, resource, shutil, subprocess\n\n{expression}\n").extras
    assert extras["elsewhere"] == [[{"what": what, "site": "main.py:3", "step": 0}]]


def test_other_pythons_ordinary_files_and_what_libraries_look_up_are_not(play: Callable[..., Any]) -> None:
    source = """
        import platform, subprocess, sys
        import numpy

        platform.platform(), platform.processor()
        subprocess.run([sys.executable, "-c", "pass"])
        open(__file__).read()
    """
    assert "elsewhere" not in play(source).extras


def test_it_is_named_where_nothing_else_explains_the_difference(explain: Explain) -> None:
    report = explain(
        """
        import os
        import reprotest
        bucket = hash("word") % 4
        reprotest.observe("seed", os.popen("date +%N").read())
        """
    )
    assert [(c.factor, c.proven, c.location) for c in report.causes] == [("external.state", False, "train.py:4")]
    assert "the program date" in report.causes[0].evidence


def test_it_is_not_where_it_was_taken_but_something_else_is_proven(explain: Explain) -> None:
    report = explain(
        """
        import os, random
        import reprotest
        os.popen("date +%N").read()
        reprotest.observe("draw", random.random())
        """
    )
    assert [(c.factor, c.proven) for c in report.causes] == [("python.random", True)]


def test_a_server_on_this_machine_is_not_another_one(play: Callable[..., Any]) -> None:
    with answering(lambda caller: "yes") as port:
        extras = play(f"import socket\nsocket.create_connection(('127.0.0.1', {port})).close()\n").extras
    assert "elsewhere" not in extras
