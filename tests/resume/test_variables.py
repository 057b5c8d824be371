"""What a program keeps in its variables, by what kind of name, and where its loop begins."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from reprotest.probe.resumption.variables import kind

PROBE = """
import json, sys
from types import SimpleNamespace
from reprotest.probe.resumption.loops import Waiting, loop_round
from reprotest.probe.resumption.places import Walk

class Child:
    def shown(self, code):
        return "program.py" if code.co_filename.endswith("program.py") else None
    def is_users(self, file):
        return file.endswith("program.py")

def numbers():
    walk = Walk(Child(), lambda value: type(value) is float, lambda value: None)
    return {place.name: place for place in walk.places(sys._getframe(1))}

def loop():
    found = loop_round(Child())
    return found and found[0]

def wait(place, then):
    Waiting(Child(), place, then).start()
"""


@pytest.fixture
def told(tmp_path: Path):
    """Runs a program that imports our probe, and returns what it printed as JSON lines."""

    def run(source: str) -> list[Any]:
        (tmp_path / "probe.py").write_text(PROBE)
        (tmp_path / "program.py").write_text(textwrap.dedent(source).lstrip())
        done = subprocess.run([sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [
        ("self.opt.m", False, "optimizer"),
        ("m", False, "optimizer"),
        ("velocity['weight']", False, "optimizer"),
        ("exp_avg_sq", False, "optimizer"),
        ("adam.count", True, "optimizer"),
        ("opt.t", True, "optimizer"),
        ("m", True, "scheduler"),
        ("t", True, "data.position"),
        ("stats.m2", True, "buffers"),
        ("self.reward_mean", True, "buffers"),
        ("running_var[0]", True, "buffers"),
        ("ema_loss", True, "buffers"),
        ("best", True, "scheduler"),
        ("self.global_step", True, "data.position"),
        ("epoch", True, "data.position"),
        ("order", False, "data.position"),
        ("sampler_perm", False, "data.position"),
        ("lr", True, "scheduler"),
        ("temperature", True, "scheduler"),
        ("ema.shadow['weight']", False, "buffers"),
        ("teacher.0.weight", False, "buffers"),
        ("scaler.n_samples_seen_", True, "buffers"),
        ("hidden", False, "buffers"),
    ],
)
def test_a_name_tells_what_a_variable_is_for(name: str, number: bool, expected: str) -> None:
    assert kind(name, number=number) == expected


def test_a_count_beside_moments_belongs_to_the_optimizer() -> None:
    assert kind("t", number=True, arrays=["w", "m", "v"]) == "optimizer"
    assert kind("opt.t", number=True, arrays=["m"]) == "optimizer"
    assert kind("schedule.t", number=True, arrays=["m"]) == "data.position"


def test_places_are_named_as_the_program_would_and_can_be_set(told) -> None:
    shown = told(
        """
        import json, probe

        class Model:
            def __init__(self):
                self.rate, self.state, self.__hidden = 0.5, {"m": [1.0, 2.0]}, 9.0

        weight = 3.0
        text = "4.0"

        def inner(local):
            model = Model()
            found = probe.numbers()
            print(json.dumps({name: place.value for name, place in found.items()}))
            for place in found.values():
                place.put(-place.value)
            print(json.dumps([local, model.rate, model.state, weight]))

        inner(0.25)
        """
    )
    expected = {"local": 0.25, "model.rate": 0.5, "model.state['m'][0]": 1.0, "model.state['m'][1]": 2.0, "weight": 3.0}
    assert {name: value for name, value in shown[0].items() if "hidden" not in name} == expected
    assert shown[1] == [-0.25, -0.5, {"m": [-1.0, -2.0]}, -3.0]


def test_the_loop_round_a_line(told) -> None:
    shown = told(
        """
        import json, probe

        def save():
            print(json.dumps(probe.loop()))

        def main():
            for number in range(1):
                pass
            for epoch in range(1):
                for batch in range(1):
                    save()
                while True:
                    break

        def after():
            for step in range(1):
                pass
            print(json.dumps(probe.loop()))

        print(json.dumps(probe.loop()))
        main()
        after()
        """
    )
    assert shown == [None, ["program.py", "main", 9], ["program.py", "after", 16]]


def test_waiting_for_a_line_that_is_about_to_be_executed(told) -> None:
    """Once: in a function that is entered later, and in one that is being executed, before the loop's variable is set."""
    shown = told(
        """
        import json, probe

        seen = []

        def main():
            total = 0
            for step in range(3):
                total += step
                seen.append("step")
            return total

        probe.wait(["program.py", "main", 7], lambda: seen.append("loop"))
        main()
        probe.wait(["program.py", "<module>", 16], lambda: seen.append("module"))
        seen.append("between")
        for step in range(2):
            seen.append(step)
        print(json.dumps(seen))
        """
    )
    assert shown == [["loop", "step", "step", "step", "between", "module", 0, 1]]
