"""The plug-in of the pytest that runs one repetition of a marked test: seeds, observes what the test returns, tells what became of it."""

from __future__ import annotations

import pytest


class OneTest:
    """Watches over the one test.

    Attributes:
        outcome: passed | skipped | failed.
        text: the reason of a skip, or the failure as pytest shows it.
    """

    def __init__(self, seed: int | None) -> None:
        self._seed = seed
        self.outcome = "passed"
        self.text = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Nothing is written where the pytest that the user started writes."""
        for name in ("xmlpath", "basetemp", "resultlog", "htmlpath", "log_file"):
            if getattr(config.option, name, None):
                setattr(config.option, name, None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if self._seed is not None:
            import reprotest

            reprotest.set_seed(self._seed)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Call the test as pytest would, and observe what it returns."""
        import inspect

        from reprotest.api import observe_result

        function = pyfuncitem.obj
        if inspect.iscoroutinefunction(function):
            return None  # a plug-in's business
        names = pyfuncitem._fixtureinfo.argnames
        observe_result(function, function(**{name: pyfuncitem.funcargs[name] for name in names}))
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
            self.outcome, self.text = "skipped", reason.removeprefix("Skipped: ")
        elif report.failed:
            self.outcome, self.text = "failed", report.longreprtext

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.outcome, self.text = "failed", report.longreprtext
