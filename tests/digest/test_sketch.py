"""Sketches are exact for scalars and say how large everything else is."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprotest.digest import sketch
from reprotest.digest.sketch import SAMPLE, float8_values, sketcher


@given(st.floats(allow_nan=False))
def test_floats_are_exact(x):
    assert sketch(x) == (x, 0.0)
    assert sketcher("float64", 1)(struct.pack("=d", x)) == (x, 0.0)


@given(st.integers())
def test_integers_as_far_as_float64_goes(n):
    a, b = sketch(n)
    assert b == 0.0
    assert a == (float(n) if abs(n) < 2**1023 else math.copysign(math.inf, n))


@pytest.mark.parametrize(("count", "gap"), [(2, 1), (16, 1), (31, 1), (32, 2), (1000, 62)])
def test_a_strided_sample(count, gap):
    values = [float(i) for i in range(count)]
    taken = [values[i * gap] for i in range(min(SAMPLE, count))]
    a, b = sketcher("float32", count)(struct.pack(f"={count}f", *values))
    assert a == pytest.approx(sum(taken) / len(taken))
    assert b == pytest.approx(math.sqrt(sum(x * x for x in taken) / len(taken)))


def test_halves_and_eighths():
    assert sketcher("bfloat16", 1)(struct.pack("=f", -1.5)[2:]) == (-1.5, 0.0)
    assert sketcher("bfloat16", 2)(struct.pack("=f", 3.0)[2:] * 2) == (3.0, 3.0)
    assert sketcher("float16", 1)(struct.pack("=e", 0.5)) == (0.5, 0.0)
    assert sketcher("complex64", 1)(struct.pack("=2f", 3.0, 3.0)) == (3.0, 3.0)
    assert sketcher("bool", 1)(b"\1") == (1.0, 0.0)


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"])
def test_the_tables_of_8_bit_floats_are_torchs(dtype):
    torch = pytest.importorskip("torch")
    theirs = torch.arange(256, dtype=torch.uint8).view(getattr(torch, dtype)).to(torch.float64)
    ours = torch.tensor(float8_values(dtype), dtype=torch.float64)
    assert torch.equal(theirs.nan_to_num(nan=12345.0), ours.nan_to_num(nan=12345.0))


def test_what_has_no_numbers():
    for value in ("text", None, {"a": 1}, [], ["x"], object()):
        assert all(math.isnan(x) for x in sketch(value))
    assert all(math.isnan(x) for x in sketcher("float32", 0)(b""))
    assert all(math.isnan(x) for x in sketcher("unheard of", 3)(b"123"))


def test_flat_lists_and_infinities():
    assert sketch([1.0, 3.0]) == (2.0, math.sqrt(5))
    assert sketch(2.0**1000 + 1j)[0] == 2.0**1000
    assert sketcher("float64", 2)(struct.pack("=2d", math.inf, 1.0)) == (math.inf, math.inf)
