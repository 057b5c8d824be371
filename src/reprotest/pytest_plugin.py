"""The pytest plug-in: `@pytest.mark.reproducible`, the `reproducible` fixture, and `--reprotest-lock` (docs/pytest.md).

It is loaded with every pytest of an environment that has reprotest, so it imports nothing but pytest until it is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from reprotest.testing import CHILD, SEED

if TYPE_CHECKING:
    from reprotest.result import RunReport


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("reprotest", "reproducible training")
    group.addoption(
        "--reprotest-lock",
        action="store_true",
        help="also verify every experiment of reprotest.lock, each as a test of its own (select some with -k)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "reproducible(runs=2, seeds=None, steps=None, timeout=None, diagnose=True, args=()): run the test several times, "
        "each in a fresh process, and fail unless all that it trains, observes and returns is the same, bit for bit",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("reproducible")
    seeds = marker.kwargs.get("seeds") if marker is not None else None
    if not seeds:
        return
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", list(seeds), ids=[f"seed{seed}" for seed in seeds])
    else:
        metafunc.fixturenames.append(SEED)
        metafunc.parametrize(SEED, list(seeds), ids=[f"seed{seed}" for seed in seeds], indirect=True)


@pytest.fixture(name=SEED)
def _seed(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    if CHILD in os.environ:
        return
    marked = [item for item in items if item.get_closest_marker("reproducible") is not None]
    if marked:
        from reprotest.testing import repeat

        for item in marked:
            repeat.repeat(item)
    if config.getoption("--reprotest-lock"):
        from reprotest.testing import locked

        items += locked.items(session)


@pytest.fixture
def reproducible(request: pytest.FixtureRequest) -> Callable[..., RunReport]:
    """Call a function in several fresh processes and fail the test unless all compute the same: `reproducible(train, config)`.

    As `reprotest.assert_reproducible`: the function stands at the top of a module, its arguments follow it, and `runs`, `steps`,
    `timeout`, `diagnose` and `seed` are for the repetition. Returns the report.
    """

    def check(function: Callable[..., object], /, *args: object, **options: Any) -> RunReport:
        __tracebackhide__ = True
        from reprotest import CommandFailed, NotReproducible, UsageError, assert_reproducible

        try:
            return assert_reproducible(function, *args, **options)
        except (NotReproducible, CommandFailed, UsageError) as error:
            said = str(error)
            kind = type(error)
        if issubclass(kind, NotReproducible):
            raise AssertionError(said)
        pytest.fail(said)

    return check
