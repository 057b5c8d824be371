"""DuckDB's threads: rows that nothing orders come as the threads finish."""

from __future__ import annotations

import functools
from contextlib import suppress
from types import ModuleType
from typing import Any

_ALONE = "SET threads = 1"


def hold(module: ModuleType) -> None:
    """Give every database one thread, the one of `duckdb.sql` too. `module`: `duckdb`."""
    duckdb: Any = module
    connect = duckdb.connect

    @functools.wraps(connect)
    def connected(*args: Any, **kwargs: Any) -> Any:
        connection = connect(*args, **kwargs)
        with suppress(Exception):  # its configuration may be locked
            connection.execute(_ALONE)
        return connection

    duckdb.connect = connected
    default = getattr(duckdb, "default_connection", None)  # a function since 1.1
    connection = default() if callable(default) else default
    if connection is not None:
        connection.execute(_ALONE)
