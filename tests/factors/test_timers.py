"""Timers that interrupt a program count as uses of the clock once they have fired, in real processes."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("how", ["signal.alarm(1)", "signal.setitimer(signal.ITIMER_PROF, 0.4)"])
def test_a_timer_that_ends_the_work_is_named_and_nothing_is_said_to_be_proven(explain, how: str) -> None:  # type: ignore[no-untyped-def]
    report = explain(
        f"""
        import signal
        import reprotest

        class Over(Exception):
            pass

        def ring(number, frame):
            raise Over

        for number in (signal.SIGALRM, signal.SIGPROF):
            signal.signal(number, ring)
        {how}
        rounds = 0
        try:
            while True:
                rounds += 1
        except Over:
            pass
        reprotest.observe("rounds", rounds)
        """
    )
    assert report.verdict == "different"
    assert [(cause.factor, cause.proven, cause.location) for cause in report.causes] == [
        ("clock", False, "train.py:12")
    ]
    assert "the timer that is set at train.py:12" in report.causes[0].evidence


def test_a_time_out_that_is_lifted_in_time_is_of_no_account(explain) -> None:  # type: ignore[no-untyped-def]
    report = explain(
        """
        import random
        import signal
        import reprotest
        signal.alarm(100)
        value = random.random()
        assert 0 < signal.alarm(0) <= 100
        assert signal.setitimer(signal.ITIMER_REAL, 100) == (0.0, 0.0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        reprotest.observe("value", value)
        """
    )
    assert [(cause.factor, cause.proven) for cause in report.causes] == [("python.random", True)]
    assert "clock" not in {watched.factor for watched in report.watched}
