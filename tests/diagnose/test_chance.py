"""What differs once and not again is no proof, however it falls among the experiments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from tests.answers import answering

from reprotest.result import RunReport

Explain = Callable[..., RunReport]


def explained(explain: Explain, odd: Sequence[int]) -> RunReport:
    """A program that hashes a text, and observes what a server says: "b" to the callers of these numbers, "a" to all others."""
    with answering(lambda caller: "b" if caller in odd else "a") as port:
        return explain(
            f"""
            import socket
            import reprotest
            bucket = hash("word") % 4
            with socket.create_connection(("127.0.0.1", {port})) as connection:
                reprotest.observe("answer", connection.recv(1))
            """
        )


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param([2, 5], id="as the first factor is freed"),
        pytest.param([2, 4, 7], id="in a pinned run, and as the first factor is freed"),
        pytest.param([2, 4, 7, 8], id="in a pinned run, and twice as the first factor is freed"),
    ],
)
def test_the_factor_that_was_free_as_it_happened_is_not_blamed(explain: Explain, odd: list[int]) -> None:
    report = explained(explain, odd)
    assert report.verdict == "different"
    assert [cause.factor for cause in report.causes if cause.proven] == []


def test_chance_all_the_time_is_not_blamed_on_anything(explain: Explain) -> None:
    report = explained(explain, range(2, 200, 2))
    assert report.verdict == "different"
    assert [cause.factor for cause in report.causes if cause.proven] == []
