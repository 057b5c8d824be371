from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprotest.errors import UsageError
from reprotest.lock.tolerance import Tolerance, of, parse, parse_named


@pytest.mark.parametrize(
    ("kind", "a", "b", "distance"),
    [
        ("absolute", 1.0, 1.5, 0.5),
        ("relative", 1.0, 2.0, 0.5),
        ("relative", 0.0, 0.0, 0.0),
        ("relative", 1e308, -1e308, 2.0),
        ("ulp", 1.0, np.nextafter(1.0, 2), 1),
        ("ulp", 1.0, float(np.nextafter(np.float32(1), np.float32(2))), 1),  # both are float32
        ("ulp", -0.0, 0.0, 0),
        ("ulp", float(np.float32(1e-45)), -float(np.float32(1e-45)), 2),
    ],
)
def test_distance(kind, a, b, distance):
    assert Tolerance(kind, 0).distance(a, float(b)) == distance
    assert Tolerance(kind, distance).holds(a, float(b))
    assert Tolerance(kind, distance).holds(float(b), a)
    if distance:
        assert not Tolerance(kind, distance * 0.99).holds(a, float(b))


def test_what_is_no_number_agrees_with_its_like_alone():
    huge = Tolerance("absolute", 1e300)
    assert huge.holds(math.nan, math.nan)
    assert not huge.holds(math.nan, 1.0)
    assert huge.holds(math.inf, math.inf)
    assert not huge.holds(math.inf, 1.0)
    assert not huge.holds(math.inf, -math.inf)


@given(st.sampled_from(["absolute", "relative", "ulp"]), st.floats(0, 1e300, allow_nan=False))
def test_text_round_trip(kind, limit):
    assert str(parse(str(Tolerance(kind, limit)))) == str(Tolerance(kind, limit))


def test_named_ones():
    found = parse_named(("loss=relative:1e-4", "a=b=ulp 4", "absolute:1"))
    assert of(found, "loss") == Tolerance("relative", 1e-4)
    assert of(found, "a=b") == Tolerance("ulp", 4)
    assert of(found, "other") == Tolerance("absolute", 1)
    assert of({}, "other") is None
    for bad in ("relative", "abs:1", "relative:-1", "relative:nan", ""):
        with pytest.raises(UsageError, match="is no tolerance"):
            parse_named((f"x={bad}",))
