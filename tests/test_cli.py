"""The command line as its users see it: whole outputs and exit codes. The session is replaced; tests/test_end_to_end.py has the real one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.documents import checked

from reprotest import api, cli
from reprotest.options import RunOptions
from reprotest.result import Cause, Difference, RunReport, Verdict

BATCH = Difference(step=0, phase="data", name="batch[0]", kind="order")
SEED = Cause("numpy.random", True, "train.py:2", "pinned: identical; left to vary: different", "pass a seed")


class Sessions:
    """Stands in for the session: remembers what it was asked for and gives the prepared result."""

    def __init__(self) -> None:
        self.calls: list[tuple[tuple[str, ...], tuple[str, ...], str, RunOptions]] = []
        self.results: dict[str, Callable[[], RunReport]] = {}

    def __call__(self, command: Any, options: RunOptions, on_event: Any = None) -> RunReport:
        self.calls.append((command.shown, command.argv, command.cwd, options))
        make = self.results.get(command.shown[0])
        if make is not None:
            return make()
        return RunReport(Verdict.IDENTICAL, list(command.shown), options.runs, 4, 1.5, exit_codes=[0, 0])


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> Sessions:
    stand_in = Sessions()
    monkeypatch.setattr(api, "session", stand_in)
    return stand_in


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An otherwise empty project with a script."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "train.py").write_text("import numpy as np\nprint(np.random.rand())\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    return tmp_path


def different() -> RunReport:
    return RunReport(
        Verdict.DIFFERENT, ["train.py"], 2, 4, 1.5, first_difference=BATCH, causes=[SEED], exit_codes=[0, 0]
    )


def failed() -> RunReport:
    return RunReport(Verdict.ERROR, ["train.py"], 2, 0, 1.5, exit_codes=[7], error="the command exited with code 7")


def stopped() -> RunReport:
    return RunReport(Verdict.ERROR, ["train.py"], 2, 0, 1.5, interrupted=True)


# --- what is asked for --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "shown", "options"),
    [
        ("train.py", "train.py", {}),
        ("train.py --runs 9 --json x", "train.py --runs 9 --json x", {}),
        ("--runs 3 --steps=5 --timeout 1.5 train.py -h", "train.py -h", {"runs": 3, "steps": 5, "timeout": 1.5}),
        ("--no-diagnose --keep -m json.tool --help", "-m json.tool --help", {"diagnose": False, "keep": True}),
        ("--runs 3 package.train:main --runs 4", "package.train:main --runs 4", {"runs": 3}),
        ("-- bash train.sh -- x", "bash train.sh -- x", {}),
        ("--runs 3 -- python train.py", "python train.py", {"runs": 3}),
    ],
)
def test_options_end_where_the_command_begins(
    arguments: str, shown: str, options: dict[str, Any], sessions: Sessions
) -> None:
    assert cli.main(["run", *arguments.split()]) == 0
    [(words, _, _, asked)] = sessions.calls
    assert " ".join(words) == shown
    assert asked == RunOptions(**options)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("run", "reprotest: no command to run: expected a script, -m MODULE, package.module:function, or -- PROGRAM"),
        ("run --runs 3", "reprotest: no command to run: expected"),
        ("run --", "reprotest: no command to run: expected"),
        ("run --runs 1 train.py", "reprotest: runs is 1, but it takes at least 2 runs to compare: give 2 or more"),
        ("run --steps 0 train.py", "reprotest: steps is 0, expected at least 1: leave it out"),
        ("run --timeout -1 train.py", "reprotest: timeout is -1.0, expected seconds above 0: leave it out"),
        ("run --runs many train.py", "Invalid value for '--runs': 'many' is not a valid integer."),
        ("run --rnus 3 train.py", "No such option '--rnus'. Did you mean '--runs'?"),
        ("run --runs", "Option '--runs' requires an argument."),
        ("run --json -- python train.py", "reprotest: --json has no value: expected one between it and --"),
        ("run nothere.py", "reprotest: no script nothere.py in"),
        ("run -m", "reprotest: -m needs the name of a module"),
        ("run --json nowhere/x.json train.py", "reprotest: --json nowhere/x.json: there is no folder nowhere: make it"),
        ("rn train.py", "No such command 'rn'. Did you mean 'run'?"),
        ("--quiet run train.py", "reprotest: --quiet belongs after the verb"),
    ],
)
def test_wrong_usage(arguments: str, said: str, sessions: Sessions, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments.split()) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""
    assert sessions.calls == []


# --- what comes back ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "code", "line"),
    [
        (None, 0, "identical: 2 runs (4 steps each) agree bit for bit"),
        (different, 1, "different: step 0, input data: batch[0]; cause: numpy.random at train.py:2 (proven)"),
        (failed, 3, "error: the command exited with code 7"),
        (stopped, 130, "interrupted after 0 runs"),
    ],
)
def test_exit_codes_and_the_quiet_line(
    result: Callable[[], RunReport] | None,
    code: int,
    line: str,
    sessions: Sessions,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if result is not None:
        sessions.results["train.py"] = result
    assert cli.main(["run", "--quiet", "train.py"]) == code
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == (f"{line}\n", "")


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        (2, ["--no-diagnose"], True),
        (2, ["--steps=5", "--epochs", "3"], True),
        (2, ["--epochs", "3"], False),
        (1, ["--no-diagnose"], False),
    ],
)
def test_an_option_that_stands_too_late(
    code: int, words: list[str], said: bool, sessions: Sessions, capsys: pytest.CaptureFixture[str]
) -> None:
    sessions.results["train.py"] = lambda: replace(failed(), exit_codes=[code])
    assert cli.main(["run", "train.py", *words]) == 3
    hint = f"{words[0].partition('=')[0]} was handed to the command; as an option of reprotest it stands before the command"
    assert (hint in " ".join(capsys.readouterr().out.split())) is said


def test_the_report(sessions: Sessions, capsys: pytest.CaptureFixture[str]) -> None:
    sessions.results["train.py"] = different
    assert cli.main(["run", "train.py"]) == 1
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.startswith("\n✗ Not reproducible. 2 runs of train.py differ.")
    assert "❱ 2 │ print(np.random.rand())" in captured.out
    assert "\x1b" not in captured.out


def test_json_on_standard_output_leaves_the_report_to_standard_error(
    sessions: Sessions, capsys: pytest.CaptureFixture[str]
) -> None:
    sessions.results["train.py"] = different
    assert cli.main(["run", "--json", "-", "train.py"]) == 1
    captured = capsys.readouterr()
    assert checked(captured.out)["verdict"] == "different"
    assert "Not reproducible" in captured.err
    assert cli.main(["run", "--quiet", "--json", "-", "train.py"]) == 1
    captured = capsys.readouterr()
    assert checked(captured.out)["verdict"] == "different"
    assert captured.err == ""


def test_json_in_a_file(sessions: Sessions, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--json", "out.json", "train.py"]) == 0
    assert checked(folder / "out.json")["schema"] == "reprotest.run/1"
    assert "Reproducible" in capsys.readouterr().out


# --- without a verb -----------------------------------------------------------------------------------------------


def test_configured_experiments(sessions: Sessions, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "reprotest.yaml").write_text(
        "runs: 3\nexperiments:\n  good: {command: train.py --epochs 1}\n  bad: {command: -- bash train.sh, runs: 2}\n"
    )
    (folder / "train.sh").write_text("")
    sessions.results["bash"] = different
    inner = folder / "inner"
    inner.mkdir()
    os.chdir(inner)
    assert cli.main(["--json", "all.json"]) == 1
    assert [(shown, cwd, options.runs) for shown, _, cwd, options in sessions.calls] == [
        (("train.py", "--epochs", "1"), str(folder), 3),
        (("bash", "train.sh"), str(folder), 2),
    ]
    out = "".join(f"{line.rstrip()}\n" for line in capsys.readouterr().out.splitlines())
    assert out.endswith(
        "✓ good identical: 3 runs (4 steps each) agree bit for bit\n"
        "✗ bad  different: step 0, input data: batch[0]; cause: numpy.random at\n       train.py:2 (proven)\n"
    )
    document = checked(inner / "all.json")
    assert document["schema"] == "reprotest.experiments/1"
    assert {name: part["verdict"] for name, part in document["experiments"].items()} == {
        "good": "identical",
        "bad": "different",
    }


def test_with_none_the_reference_experiment_runs_and_that_is_said(
    sessions: Sessions, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([]) == 0
    captured = capsys.readouterr()
    assert captured.err == (
        "No experiments are configured here (pyproject.toml, [tool.reprotest.experiments.NAME], or reprotest.yaml): "
        "running the built-in reference experiment.\n"
        "To test a training of your own: python -m reprotest run train.py\n"
    )
    assert "reference" in captured.out
    assert sessions.calls[0][0] == ("-m", "reprotest.reference.train")


def test_an_interrupt_ends_the_row_of_experiments(sessions: Sessions, folder: Path) -> None:
    (folder / "reprotest.yaml").write_text("experiments: {a: {command: train.py}, b: {command: train.py}}")
    sessions.results["train.py"] = stopped
    assert cli.main(["--quiet"]) == 130
    assert len(sessions.calls) == 1


def test_a_configuration_that_cannot_be_understood(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "reprotest.yaml").write_text("experiments: {a: {comand: train.py}}")
    assert cli.main([]) == 2
    assert "experiments.a.comand is not a key of ours; did you mean command?" in capsys.readouterr().err


# --- when we are wrong ourselves ----------------------------------------------------------------------------------


def test_an_internal_error_is_a_sentence_and_a_file(
    sessions: Sessions, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> RunReport:
        raise KeyError("token=geheim1234")

    sessions.results["train.py"] = broken
    assert cli.main(["run", "train.py"]) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(
        "reprotest: internal error: KeyError: 'token=***'\nThis is a mistake of reprotest, not of your program. "
        f"Please report it with the traceback in {folder / '.reprotest'}/error-"
    )
    [saved] = (folder / ".reprotest").glob("error-*.txt")
    assert "Traceback (most recent call last)" in saved.read_text()
    assert "geheim1234" not in saved.read_text()
    assert (folder / ".reprotest" / ".gitignore").read_text() == "*\n"


def test_an_interrupt_outside_of_a_session(sessions: Sessions, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> RunReport:
        raise KeyboardInterrupt

    sessions.results["train.py"] = interrupted
    assert cli.main(["run", "train.py"]) == 130
    assert capsys.readouterr().err.strip() == "reprotest: interrupted"


# --- as a program -------------------------------------------------------------------------------------------------


def program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "reprotest", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "80", **environment},
    )


HELP = """\
Usage: python -m reprotest [OPTIONS] [COMMAND] [ARGS]...

  Prove that a training repeats bit for bit, or find out why it does not.

  Without a verb, the experiments are run that the project names in
  pyproject.toml ([tool.reprotest]) or reprotest.yaml; with none, a small
  built-in reference experiment.

Options:
  --html FILE      Write a page with pictures that opens from disk.
  --junit FILE     Write JUnit XML, as CI systems read it.
  --markdown FILE  Write Markdown, for a CI summary or a comment.
  --json FILE      Write the result as JSON; - for standard output (see
                   docs/json.md).
  --quiet          No progress, and one line instead of the report.
  --version        Show the version and exit.
  -h, --help       Show this message and exit.

Commands:
  bisect   Find the commit that changed the numbers.
  compare  What differs between two machines, records or commits?
  doctor   Check that a repository has what repeating its results takes.
  env      Show this machine's manifest.
  export   Write requirements, a Dockerfile and the like from the lock.
  fleet    Run a command once on every host of a Dask cluster.
  init     Put a working start into a project.
  lock     Run a command and lock its results.
  prune    Remove records of earlier runs.
  records  List the records of runs, check them, carry them.
  report   Make an HTML page of a result or of records.
  resume   Is train, stop and resume the same as training straight through?
  run      Repeat a command, compare bit for bit, prove why runs differ.
  vary     Vary threads, processor and the like: what changes a result?
  verify   Check the results that reprotest.lock holds.

  Example: python -m reprotest run train.py --epochs 1
"""

RUN_HELP = """\
Usage: python -m reprotest run [OPTIONS] COMMAND...

  Repeat a command, compare bit for bit, prove why runs differ.

  COMMAND is a script with its arguments, -m and a module,
  package.module:function, or any program after --. Options of reprotest stand
  before it; everything after belongs to the command.

Options:
  --runs INTEGER     How often the command is run.  [default: 2]
  --steps INTEGER    Compare only this many optimiser steps, then end the
                     program.
  --timeout SECONDS  End a run that takes longer.
  --no-diagnose      Do not look for the cause of a difference.
  --keep             Keep the records of the experiments too.
  --mlflow URI       Also log the result to this MLflow server.
  --dask ADDRESS     Run on a Dask cluster: its scheduler (tcp://host:8786),
                     its scheduler file, or local (docs/fleet.md).
  --html FILE        Write a page with pictures that opens from disk.
  --junit FILE       Write JUnit XML, as CI systems read it.
  --markdown FILE    Write Markdown, for a CI summary or a comment.
  --json FILE        Write the result as JSON; - for standard output (see
                     docs/json.md).
  --quiet            No progress, and one line instead of the report.
  -h, --help         Show this message and exit.

  Examples:
    python -m reprotest run train.py --epochs 1
    python -m reprotest run --runs 5 -m package.train
    python -m reprotest run package.train:main
    python -m reprotest run --html report.html --junit report.xml train.py
    python -m reprotest run --steps 100 -- torchrun --nproc-per-node 2 train.py
    python -m reprotest run --dask tcp://scheduler:8786 train.py
"""


@pytest.mark.parametrize(("arguments", "text"), [(["--help"], HELP), (["run", "--help"], RUN_HELP)])
def test_help(arguments: list[str], text: str) -> None:
    done = program(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, text, "")


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from reprotest.cli import main; main(sys.argv[1:]); "
        "print(*sorted({n.split('.')[0] for n in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    names = set(done.stderr.split())
    assert "click" in names
    assert not names & {"numpy", "torch", "rich", "pydantic", "yaml", "xxhash", "jinja2", "sklearn"}


def test_version() -> None:
    done = program("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("reprotest ")


def test_env() -> None:
    done = program("env", "--json", "-")
    assert done.returncode == 0
    assert checked(done.stdout)["schema"] == "reprotest.env/1"
    assert program("env").returncode == 0


def test_a_terminal_without_our_letters() -> None:
    done = program("run", "train.py", PYTHONIOENCODING="ascii")
    assert done.stdout.isascii()
    assert "not reproducible" in done.stdout.lower()


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_an_interrupt_inside_a_callback_is_not_lost(number: str) -> None:
    program = f"""
import signal, sys, time, weakref
from reprotest import cli

class Thing: pass

@cli.reprotest.command("lose")
def lose():
    thing = Thing()
    reference = weakref.ref(thing, lambda _: signal.raise_signal(signal.{number}))
    del thing
    time.sleep(30)

cli.Verbs.get_command = lambda self, ctx, name: lose
sys.exit(cli.main(["lose"]))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=25)
    assert ended.returncode == 130
    assert ended.stderr.strip() == "reprotest: interrupted"
