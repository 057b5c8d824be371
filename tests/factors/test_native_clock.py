"""The wall clock as Rust extension modules read it."""

from __future__ import annotations

import platform
import sys

import pytest

from reprotest.factors import Setting

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="the instructions are written for x86-64"
)

HELD = {name: Setting(seed=7) for name in ("threads.schedule", "memory.address", "python.hash")}

GROUPS = """
    import sys
    sys.path[:0] = {path!r}
    {before}
    import polars
    frame = polars.DataFrame({{"key": [f"k{{i % 97}}" for i in range(3000)], "value": range(3000)}})
    print(frame.group_by("key").agg(polars.col("value").sum())["key"].to_list(), frame["key"].unique().to_list())
"""


def groups(play, variant: int | None) -> str:
    before = (
        "pass"
        if variant is None
        else f"from reprotest.factors import _native_clock; _native_clock.install({variant}, lambda s: sys.exit(s))"
    )
    return play(GROUPS.format(path=[p for p in sys.path if p], before=before), HELD).out


def test_the_order_of_a_rust_hash_map_repeats_and_varies_with_the_variant(play) -> None:
    pytest.importorskip("polars")
    # Either of two native threads of polars may be the first to ask, which nobody holds; left free there are as many orders as runs.
    held = {groups(play, 0) for _ in range(4)}
    assert len(held) <= 2
    assert groups(play, 1) not in held
    assert groups(play, None) not in held


def test_others_keep_the_real_time_and_native_threads_end_well(play) -> None:
    pytest.importorskip("polars")
    out = play(
        f"""
        import sys, time
        sys.path[:0] = {[p for p in sys.path if p]!r}
        from reprotest.factors import _native_clock
        _native_clock.install(0, print)
        import polars
        begin = time.time()
        polars.DataFrame({{"a": range(100_000)}}).lazy().select(polars.col("a").sum()).collect()
        time.sleep(0.01)
        print(0.01 <= time.time() - begin < 60, begin > 1_700_000_000)
        """
    ).out
    assert out == "True True\n"
