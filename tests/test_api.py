"""The Python interface. Functions at the top of this module are what `assert_reproducible` calls in fresh processes."""

from __future__ import annotations

import ast
import functools
import importlib
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import reprotest

PACKAGE = Path(reprotest.__file__).parent


def seeded(n: int, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(7).normal(size=n) * scale


def unseeded(n: int) -> np.ndarray:
    return np.random.default_rng().normal(size=n)


def failing() -> None:
    raise ValueError("no data")


def silent() -> None:
    pass


class Model:
    def __init__(self, scale: float) -> None:
        self.scale = scale

    def fit(self) -> float:
        return self.scale

    @staticmethod
    def weights(n: int) -> np.ndarray:
        return seeded(n)


@functools.lru_cache
def cached(n: int) -> float:
    return float(n)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# --- the names ----------------------------------------------------------------------------------------------------


def test_all_is_exactly_the_public_names() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    handed_on = {
        alias.name
        for block in tree.body
        if isinstance(block, ast.If)
        for line in block.body
        if isinstance(line, ast.ImportFrom) and line.module != "typing"
        for alias in line.names
    }
    assert sorted(handed_on) == reprotest.__all__
    assert set(dir(reprotest)) >= set(reprotest.__all__)


@pytest.mark.parametrize("name", reprotest.__all__)
def test_every_public_name_can_be_had_and_says_what_it_is(name: str) -> None:
    assert getattr(reprotest, name).__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'rum'"):
        reprotest.rum  # noqa: B018


def test_run_is_a_function_before_and_after_its_folder_is_imported() -> None:
    assert callable(reprotest.run)
    importlib.import_module("reprotest.run.command")
    assert callable(reprotest.run)


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, reprotest; reprotest.observe('x', 1); print(*sorted({n.split('.')[0] for n in sys.modules}))"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "torch", "click", "rich", "pydantic", "yaml", "xxhash"} & set(names)


def test_the_exception_tree_is_the_one_that_the_docstring_draws() -> None:
    from reprotest import errors

    drawn = [
        line.strip(" │├└─")
        for line in (errors.__doc__ or "").splitlines()
        if "Error " in line or "Failed " in line or "Reproducible " in line
    ]
    for line in drawn:
        name, code = line.split()[:2]
        assert getattr(errors, name).exit_code == int(code)
    defined = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert {line.split()[0] for line in drawn} == defined
    assert issubclass(errors.NotReproducible, AssertionError)


# --- observe ------------------------------------------------------------------------------------------------------


def test_observe_does_nothing_outside_of_a_run() -> None:
    value = np.arange(3)
    assert reprotest.observe("x", value) is None
    assert value.tolist() == [0, 1, 2]


def test_observe_records_inside_of_a_run(tmp_path: Path) -> None:
    Path("train.py").write_text(
        "import os, reprotest\nfor epoch in range(3):\n    reprotest.observe('accuracy', 0.5 + (epoch == 2) * int.from_bytes(os.urandom(4), 'big'))\n"
    )
    report = reprotest.run("train.py", diagnose=False)
    assert report.verdict is reprotest.Verdict.DIFFERENT
    first = report.first_difference
    assert first is not None
    assert (first.step, first.phase, first.name, first.location) == (2, "metric", "accuracy", "train.py:3")


# --- run ----------------------------------------------------------------------------------------------------------


def test_run_gives_the_result_as_an_object() -> None:
    Path("train.py").write_text("import sys, reprotest\nreprotest.observe('words', sys.argv[1:])\n")
    report = reprotest.run(["train.py", "a b"], runs=3)
    assert report.verdict is reprotest.Verdict.IDENTICAL
    assert report.runs == 3
    assert report.command == ["train.py", "a b"]
    assert reprotest.run("train.py 'a b'").command == ["train.py", "a b"]


def test_a_command_that_fails_is_a_result() -> None:
    Path("train.py").write_text("raise SystemExit(3)\n")
    report = reprotest.run("train.py")
    assert report.verdict is reprotest.Verdict.ERROR
    assert report.exit_codes[0] == 3


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: reprotest.run("train.py", runs=1), "runs is 1, but it takes at least 2 runs"),
        (lambda: reprotest.run("train.py", steps=0), "steps is 0, expected at least 1"),
        (lambda: reprotest.run("train.py", timeout=0), "timeout is 0, expected seconds above 0"),
        (lambda: reprotest.run("train.py 'x"), "No closing quotation"),
        (lambda: reprotest.run("train.py"), "no script train.py"),
        (lambda: reprotest.run(""), "no command given"),
    ],
)
def test_wrong_usage(call: Callable[[], object], said: str) -> None:
    with pytest.raises(reprotest.UsageError, match=said):
        call()


def test_a_program_that_tests_itself_without_end_is_stopped() -> None:
    Path("train.py").write_text("import reprotest\nprint(reprotest.run('train.py'))\n")
    report = reprotest.run("train.py")
    assert report.verdict is reprotest.Verdict.ERROR
    assert "is itself part of a run" in (report.error or "")


# --- assert_reproducible ------------------------------------------------------------------------------------------


def test_a_function_that_repeats() -> None:
    report = reprotest.assert_reproducible(seeded, 5)
    assert report.verdict is reprotest.Verdict.IDENTICAL
    assert report.observed["output"] == 1
    reprotest.assert_reproducible(functools.partial(seeded, scale=2.0), 5)
    reprotest.assert_reproducible(Model.weights, 5)
    assert list(Path.cwd().iterdir()) == [Path.cwd() / ".reprotest"]


def test_a_function_that_does_not_repeat_fails_with_the_cause() -> None:
    with pytest.raises(AssertionError) as caught:
        reprotest.assert_reproducible(unseeded, 5)
    said = str(caught.value).splitlines()
    assert said[0] == f"{__name__}:unseeded is not reproducible: 2 runs differ"
    assert said[1].startswith("  first difference: step 0, output: return value (")
    assert said[2].startswith("  cause: numpy.random at ")
    assert "(proven)" in said[2]
    assert said[3].endswith("| return np.random.default_rng().normal(size=n)")
    assert said[4].startswith("  what to change: ")
    assert isinstance(caught.value, reprotest.NotReproducible)
    assert caught.value.report.verdict is reprotest.Verdict.DIFFERENT


def test_a_function_that_fails() -> None:
    with pytest.raises(reprotest.CommandFailed, match="ValueError: no data") as caught:
        reprotest.assert_reproducible(failing)
    assert caught.value.report is not None


def test_a_function_that_leaves_nothing_to_compare() -> None:
    with pytest.raises(reprotest.UsageError, match=r"silent left nothing to compare.*Return the result"):
        reprotest.assert_reproducible(silent)


def inner() -> Callable[[], int]:
    def nested() -> int:
        return 1

    return nested


@pytest.mark.parametrize(
    ("function", "args", "said"),
    [
        (lambda: 1, (), "the lambda in .* has no name .* turn it into a `def`"),
        (inner(), (), "nested is defined inside inner, .* move it to the top of .* as arguments"),
        (Model(2.0).fit, (), "belongs to an object, .* write a function at the top of a module"),
        (3, (), "3 is not a function"),
        (
            seeded,
            (threading.Lock(),),
            "argument 1 \\(lock\\) cannot be brought into a fresh process: .* Make it inside",
        ),
        (functools.partial(seeded, scale=threading.Lock()), (1,), "scale \\(lock\\) cannot be brought"),
    ],
)
def test_what_cannot_be_brought_into_a_fresh_process(function: object, args: tuple[object, ...], said: str) -> None:
    with pytest.raises(reprotest.UsageError, match=said):
        reprotest.assert_reproducible(function, *args)  # type: ignore[arg-type]


def test_a_function_of_the_main_program() -> None:
    Path("main.py").write_text(
        "import reprotest\n\nclass Size:\n    n = 4\n\ndef train(size):\n    return list(range(size.n))\n\n"
        "if __name__ == '__main__':\n    print(reprotest.assert_reproducible(train, Size()).verdict)\n"
    )
    done = subprocess.run([sys.executable, "main.py"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("identical\n", "")


def test_a_call_without_a_main_guard_is_explained() -> None:
    Path("main.py").write_text(
        "import reprotest\n\ndef train():\n    return 1\n\nreprotest.assert_reproducible(train)\n"
    )
    done = subprocess.run([sys.executable, "main.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Put the call under `if __name__ == '__main__':`" in done.stderr
