"""The plug-in in a pytest of its own, as its users have it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ENTRY = "-preprotest.pytest_plugin"

REPEATS = """
import random
import pytest
import reprotest

@pytest.mark.reproducible
def test_seeded(numbers, tmp_path):
    random.seed(0)
    reprotest.observe("draw", random.random())
    return numbers

@pytest.fixture
def numbers():
    return [1.0, 2.0]
"""

DIFFERS = """
import random
import pytest

@pytest.mark.reproducible(runs=2)
def test_training():
    weights = [0.0] * 4
    for step in range(3):
        weights[step] = random.random()
    return weights
"""


@pytest.fixture(autouse=True)
def _own_store(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPROTEST_DIR", raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:cacheprovider")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # each repetition starts a pytest
    pytester.makeini("[pytest]\n")


def test_what_repeats_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(REPEATS)
    done = pytester.runpytest_subprocess(ENTRY, "-W", "error")
    done.assert_outcomes(passed=1)
    assert len(list((pytester.path / ".reprotest" / "runs").iterdir())) == 2


@pytest.mark.slow
def test_what_differs_fails_at_the_guilty_line(pytester: pytest.Pytester) -> None:
    file = pytester.makepyfile(DIFFERS)
    done = pytester.runpytest_subprocess(ENTRY)
    done.assert_outcomes(failed=1)
    done.stdout.re_match_lines(
        [
            r"_+ test_training _+",
            r"    @pytest.mark.reproducible\(runs=2\)",
            r"    def test_training\(\):",
            r">           weights\[step\] = random.random\(\)",
            r"E   not reproducible: 2 runs of test_training differ",
            r"E   first difference: step 0, output: return value",
            r"E   cause: python.random at .*:8 \(proven\): pinned: identical; left to vary: different",
            r"E   what to change: .*seed",
            rf"{re.escape(file.name)}:8: NotReproducible",
            rf"FAILED {re.escape(file.name)}::test_training - NotRepr.*",
        ],
        consecutive=False,
    )


def test_failure_skip_and_nothing_to_compare(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.reproducible(diagnose=False)
        def test_broken():
            assert [1, 2] == [1, 3]

        @pytest.mark.reproducible
        def test_skipped():
            pytest.skip("no data here")

        @pytest.mark.reproducible
        def test_silent():
            pass

        @pytest.mark.reproducible(rnus=3)
        def test_misspelt():
            pass

        @pytest.mark.reproducible
        @pytest.mark.skipif(True, reason="not today")
        def test_never():
            raise SystemExit
        """
    )
    done = pytester.runpytest_subprocess(ENTRY, "-rs")
    done.assert_outcomes(failed=3, skipped=2)
    said = done.stdout.str()
    assert "assert [1, 2] == [1, 3]" in said
    assert "At index 1 diff: 2 != 3" in said
    assert "no data here" in said
    assert "test_silent left nothing to compare" in said
    assert "does not know rnus: expected runs=, seeds=" in said


def test_seeds_and_workers_and_files_of_the_outer_pytest(pytester: pytest.Pytester) -> None:
    """With xdist, and with options in the project's settings that a second pytest must not follow."""
    pytester.makeini("[pytest]\naddopts = -p xdist -n 2 --junitxml=out.xml --strict-markers\n")
    pytester.makeconftest("def pytest_addoption(parser): parser.addoption('--size', type=int, default=1)")
    pytester.makepyfile(
        """
        import random
        import pytest

        @pytest.mark.reproducible(seeds=[0, 1])
        def test_given(seed):
            random.seed(seed)
            return random.random()

        @pytest.mark.reproducible(seeds=[7], args=["--size=3"])
        def test_set(request):
            assert request.config.getoption("--size") == 3
            return random.random()

        @pytest.mark.reproducible
        @pytest.mark.parametrize("n", [1])
        class TestClass:
            def test_method(self, n):
                return n
        """
    )
    done = pytester.runpytest_subprocess(ENTRY, "--size=2", "-v")
    done.assert_outcomes(passed=4)
    for name in ("test_given[seed0]", "test_given[seed1]", "test_set[seed7]", "TestClass::test_method[1]"):
        assert name in done.stdout.str()
    assert 'tests="4"' in (pytester.path / "out.xml").read_text()


def test_fixture(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os, random
        import pytest

        def steady(n):
            return list(range(n))

        def drifting():
            return random.random()

        def broken():
            raise ValueError("no data")

        def test_steady(reproducible):
            assert reproducible(steady, 3).runs == 2

        def test_drifting(reproducible):
            reproducible(drifting, diagnose=False)

        def test_broken(reproducible):
            reproducible(broken)
        """
    )
    done = pytester.runpytest_subprocess(ENTRY)
    done.assert_outcomes(passed=1, failed=2)
    done.stdout.re_match_lines(
        [r">       reproducible\(drifting, diagnose=False\)", r"E .*drifting is not reproducible: 2 runs differ"]
    )
    assert "ValueError: no data" in done.stdout.str()


def test_marker_and_option_are_known(pytester: pytest.Pytester) -> None:
    done = pytester.runpytest_subprocess(ENTRY, "--markers", "--strict-markers")
    assert "@pytest.mark.reproducible(runs=2, seeds=None" in done.stdout.str()


def test_it_costs_nothing_until_it_is_used() -> None:
    """Of reprotest itself, the plug-in brings in three small modules; nothing else but pytest."""
    code = (
        "import sys, pytest; before = set(sys.modules); import reprotest.pytest_plugin; "
        "print(*sorted(n for n in set(sys.modules) - before if not n.startswith('_')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["reprotest", "reprotest.pytest_plugin", "reprotest.testing"]


def test_no_lock(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(): pass")
    done = pytester.runpytest_subprocess(ENTRY, "--reprotest-lock")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "--reprotest-lock: " in done.stderr.str()


@pytest.mark.slow
def test_locked_experiments_are_tests(pytester: pytest.Pytester) -> None:
    (pytester.path / ".git").mkdir()
    program = "import random, reprotest\nrandom.seed({seed})\nreprotest.observe('draw', random.random())\n"
    for name in ("kept", "other"):
        pytester.makefile(".py", **{name: program.format(seed=0)})
        done = pytester.run(sys.executable, "-m", "reprotest", "lock", "--quiet", "--name", name, f"{name}.py")
        assert done.ret == 0
    pytester.makefile(".py", other=program.format(seed=1))
    done = pytester.runpytest_subprocess(ENTRY, "--reprotest-lock", "-v")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.re_match_lines([r"reprotest.lock::kept PASSED.*", r"reprotest.lock::other FAILED.*", r"E   other: .*"])
    done = pytester.runpytest_subprocess(ENTRY, "--reprotest-lock", "-k", "kept")
    done.assert_outcomes(passed=1, deselected=1)


def test_entry_point_is_declared() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["tool"]["poetry"]["plugins"]["pytest11"] == {"reprotest.pytest_plugin": "reprotest.pytest_plugin"}
