"""Runs a marked test several times, each time by a pytest of its own in a fresh process, and compares what it computed.

In the process that the user started nothing of the test is run, not even its fixtures: every repetition sets them up for itself.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reprotest.errors import ReprotestError, UsageError
from reprotest.testing import SEED

if TYPE_CHECKING:
    from reprotest.options import RunOptions
    from reprotest.result import RunReport

CALLER = Path(__file__).parent.parent / "run" / "call_pytest.py"
OUTCOME = "reprotest-outcome:"
"""Begins the line of standard error by which a fresh process says what became of the test."""
_OPTIONS = ("runs", "steps", "timeout", "diagnose")


class TestFailed(ReprotestError):
    """The test itself failed in a fresh process, or did nothing that could be compared."""

    __test__ = False


def repeat(item: pytest.Item) -> None:
    """Make a collected test one that is repeated."""
    chosen: Any = item
    chosen.setup = _nothing
    chosen.runtest = lambda: _run(item)
    plain = item.repr_failure
    chosen.repr_failure = lambda excinfo, style=None: _shown(item, excinfo) or plain(excinfo)


def _nothing() -> None:
    """No fixture is set up here."""


def _run(item: pytest.Item) -> None:
    marker = item.get_closest_marker("reproducible")
    assert marker is not None
    options = _options(item, marker)
    report = _session(item, options, tuple(str(word) for word in marker.kwargs.get("args", ())))
    _judge(item, report)


def _options(item: pytest.Item, marker: pytest.Mark) -> RunOptions:
    from reprotest.options import RunOptions

    unknown = set(marker.kwargs) - {*_OPTIONS, "seeds", "args"}
    if unknown or marker.args:
        wrong = ", ".join(sorted(unknown)) or repr(marker.args[0])
        raise UsageError(
            f"@pytest.mark.reproducible does not know {wrong}: expected runs=, seeds=, steps=, timeout=, diagnose= or args="
        )
    if not isinstance(item, pytest.Function) or (
        getattr(item.obj, "__self__", None) is not None and _is_unittest(item)
    ):
        raise UsageError(
            f"{item.name} cannot be repeated: @pytest.mark.reproducible is for test functions and methods of pytest"
        )
    return RunOptions(**{key: marker.kwargs[key] for key in _OPTIONS if key in marker.kwargs})


def _is_unittest(item: pytest.Function) -> bool:
    import unittest

    return isinstance(item.obj.__self__, unittest.TestCase)


def _session(item: pytest.Item, options: RunOptions, args: tuple[str, ...]) -> RunReport:
    from reprotest import api
    from reprotest.run.command import Command

    callspec = getattr(item, "callspec", None)
    seed = callspec.params.get(SEED) if callspec is not None else None
    job = {"arguments": [*_arguments(item.config), *args, _address(item)], "seed": seed, "path": sys.path}
    with tempfile.TemporaryDirectory(prefix="reprotest-") as folder:
        file = Path(folder) / "call.json"
        file.write_text(json.dumps(job))
        command = Command(
            (item.nodeid,), (sys.executable, str(CALLER), str(file)), str(item.config.invocation_params.dir)
        )
        return api.session(command, options)


def _address(item: pytest.Item) -> str:
    """The test's node id, wherever pytest is started."""
    return "::".join([str(item.path), *item.nodeid.split("::")[1:]])


def _arguments(config: pytest.Config) -> list[str]:
    """What makes another pytest collect the same test in the same way, and write nothing that this one writes."""
    words = ["-p", "no:cacheprovider", "--runxfail", "-q", "--no-header", f"--rootdir={config.rootpath}"]
    if config.inipath is not None:
        words += ["-c", str(config.inipath)]
    for plugin in config.getoption("plugins") or ():
        words += ["-p", plugin]
    for changed in config.getoption("override_ini") or ():
        words += ["-o", changed]
    for ignored in config.getoption("pythonwarnings") or ():
        words += ["-W", ignored]
    if config.pluginmanager.has_plugin("xdist"):
        words += ["-n", "0"]
    if config.pluginmanager.has_plugin("_cov"):
        words += ["--no-cov"]
    return words


def _judge(item: pytest.Item, report: RunReport) -> None:
    from reprotest.errors import NotReproducible
    from reprotest.report import plain
    from reprotest.result import Verdict

    root = item.config.invocation_params.dir
    outcome = _outcome(root, report)
    if report.interrupted:
        raise KeyboardInterrupt
    if outcome.get("outcome") == "skipped":
        pytest.skip(str(outcome.get("text") or "skipped"))
    if report.verdict is Verdict.DIFFERENT:
        raise NotReproducible(plain.message(report, root), report)
    if report.verdict is Verdict.ERROR:
        raise TestFailed(str(outcome.get("text") or plain.failure(report, root)))
    if not plain.compared_anything(report):
        raise TestFailed(
            f"{item.name} left nothing to compare: it returned None and trained nothing that was seen. "
            "Return the result, or call reprotest.observe(name, value) in it"
        )


def _outcome(root: Path, report: RunReport) -> Mapping[str, Any]:
    """What the first fresh process that said anything says of the test."""
    for path in report.records:
        try:
            lines = (root / path / "stderr.txt").read_text(errors="replace").splitlines()
            said = next(line for line in reversed(lines) if line.startswith(OUTCOME))
            found = json.loads(said.removeprefix(OUTCOME))
        except (OSError, StopIteration, ValueError):
            continue
        if isinstance(found, dict) and found.get("outcome") != "passed":
            return found
    return {}


def _shown(item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
    """How a failure is printed: like pytest's own, at the guilty line. None for what is not ours."""
    from reprotest.errors import NotReproducible
    from reprotest.testing import failure

    if isinstance(excinfo.value, NotReproducible):
        return failure.different(item, excinfo.value.report)
    if isinstance(excinfo.value, TestFailed | ReprotestError):
        return failure.told(item, str(excinfo.value), type(excinfo.value).__name__)
    return None


def in_child(job: Mapping[str, Any]) -> int:
    """In the fresh process: let pytest run the one test. Returns its exit code."""
    from reprotest.testing.child import OneTest

    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"):
        os.environ.pop(name, None)
    one = OneTest(job["seed"])
    code = int(pytest.main(list(job["arguments"]), plugins=[one]))
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        one.outcome, one.text = "failed", "a fresh pytest does not collect this test: give its options with args=[…]"
    print(OUTCOME, json.dumps({"outcome": one.outcome, "text": one.text}), file=sys.stderr, flush=True)
    return code
