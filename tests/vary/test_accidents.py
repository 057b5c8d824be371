"""One run that went wrong by an accident of the machine is not held against the factor that was varied in it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.answers import answering

from reprotest.diagnose.laboratory import Laboratory
from reprotest.options import ignore
from reprotest.result import Difference
from reprotest.run.command import parse_command
from reprotest.run.state import State
from reprotest.run.store import Store
from reprotest.vary.host import Answer, Host, Question
from reprotest.vary.options import VaryOptions
from reprotest.vary.partial import Known
from reprotest.vary.result import VaryReport, Verdict
from reprotest.vary.search import OTHER
from reprotest.vary.session import Session

STEADY = """
import reprotest
for step in range(3):
    reprotest.observe("x", step)
"""


class Unlucky(Host):
    """A machine on which one run differs, whatever the program does: the first with so many variations on."""

    size = 0

    def ask(self, question: Question) -> Answer:
        answer = super().ask(question)
        if len(question.combination) != self.size:
            return answer
        self.size = 0
        return Answer(Known(OTHER, Difference(step=0, phase="value", name="x", kind="value")), answer.seconds)


def vary(folder: Path, *select: str, unlucky: int) -> VaryReport:
    (folder / "train.py").write_text(textwrap.dedent(STEADY).lstrip())
    command = parse_command(["train.py"], cwd=str(folder))
    store = Store.at(folder)
    options = VaryOptions(select=select)
    with State(store.root) as state:
        host = Unlucky(Laboratory(command, store, state, ignore), options)
        host.size = unlucky
        report = Session(command, options, store, host).carry_out()
    assert host.size == 0, "the accident has happened"
    return report


@pytest.mark.parametrize(("select", "unlucky"), [(["+timezone"], 1), (["+timezone", "+locale", "+threads.count"], 3)])
def test_a_run_that_differs_once_proves_nothing(tmp_path: Path, select: list[str], unlucky: int) -> None:
    report = vary(tmp_path, *select, unlucky=unlucky)
    assert report.verdict is Verdict.INSENSITIVE
    assert report.sensitive_to == []
    assert set(report.insensitive_to) == {word[1:] for word in select}


def test_a_run_that_fails_once_is_made_again(varied: Callable[..., dict[str, Any]]) -> None:
    for fails_at in (3, 4):
        with answering(lambda caller, at=fails_at: "no" if caller == at else "yes") as port:
            report = varied(
                f"""
                import socket
                import reprotest
                reprotest.observe("x", 1)
                with socket.create_connection(("127.0.0.1", {port})) as connection:
                    if connection.recv(3) == b"no":
                        raise SystemExit("the service is busy")
                reprotest.observe("x", 2)
                """,
                "--vary=+timezone,+locale,+threads.count",
                "--fresh",
            )
        assert (report["verdict"], report["sensitive_to"]) == ("insensitive", [])
        assert set(report["insensitive_to"]) == {"timezone", "locale", "threads.count"}
