"""For environments with some of poetry.lock's groups only, as the flake's: `pytest -p tests.partial_environment`.

A test, or a whole module of tests, that itself imports a package which is not installed is skipped with the package's
name. Nothing else is: not what the program under test fails to import, nor a module of ours or of Python's. That the
environment has all of its groups is another check's affair (nix/checks/versions.py).
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
OURS = {"reprotest", "tests"}


def absent_package(error: BaseException | None) -> str | None:
    """The package that a file of tests/ asked for in vain, if that is what an error says."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    package = error.name.partition(".")[0]
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    asking = [file for file in files if not file.startswith("<frozen importlib")]
    if package in OURS | sys.stdlib_module_names or not asking or not Path(asking[-1]).is_relative_to(TESTS):
        return None
    return package


def reason(package: str) -> str:
    return f"{package} is not in this environment"


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report = yield
    call = report.__dict__.get("call")
    error = call.excinfo.value if call is not None and call.excinfo is not None else None
    if error is not None and (package := absent_package(error.__cause__)):
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), 1, f"Skipped: {reason(package)}")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    return (yield from skipping())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    return (yield from skipping())


def skipping() -> Iterator[None]:
    try:
        return (yield)
    except ModuleNotFoundError as error:
        if package := absent_package(error):
            pytest.skip(reason(package))
        raise
