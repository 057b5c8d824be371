"""Rows of DuckDB come as its threads finish, unless something orders them."""

from __future__ import annotations

import pytest


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.xdist_group("serial")
def test_groups_that_nothing_orders(explain) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("duckdb")
    report = explain(
        """
        import duckdb
        import reprotest

        duckdb.sql("create table t as select (i * 7919) % 5000 as k, sin(i) as v from range(500000) r(i)")
        orders = []
        for query in range(12):
            rows = duckdb.sql("select k, avg(v) from t group by k").fetchall()
            orders.append([k for k, _ in rows])
        reprotest.observe("orders", orders)
        """
    )
    assert report.verdict == "different"
    assert [(c.factor, c.proven, c.location) for c in report.causes] == [("threads.schedule", True, "train.py:7")]


@pytest.mark.parametrize(
    "connection", ["duckdb.connect()", "duckdb.connect(':memory:', config={'threads': 2})", "duckdb"]
)
def test_held_it_has_one_thread(play, connection: str) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("duckdb")
    source = f"import duckdb\nprint({connection}.sql(\"select current_setting('threads')\").fetchall()[0][0])"
    assert play(source, {"threads.schedule": 0}).out.split() == ["1"]
