"""The size of a difference, against exact arithmetic."""

from __future__ import annotations

import math
import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprotest.compare.size import UNKNOWN, size_of_scalars, size_of_values
from reprotest.record.values import Value


def value(dtype, array, shape=None):
    array = np.asarray(array)
    return Value(dtype, shape if shape is not None else array.shape, memoryview(array.tobytes()))


def bits(dtype, *numbers):
    """Values given as their bits."""
    kinds = {"bfloat16": "<u2", "float16": "<u2", "float32": "<u4", "float64": "<u8"}
    return value(dtype, np.array(numbers, kinds.get(dtype, "u1")))


FLOATS = {"float16": ("e", "H"), "float32": ("f", "I"), "float64": ("d", "Q")}


def place(code, kind, number):
    """The number's place among all numbers of its format, counted from zero."""
    raw = struct.unpack(f"<{kind}", struct.pack(f"<{code}", number))[0]
    top = 1 << (8 * struct.calcsize(kind) - 1)
    return raw if raw < top else top - raw


@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_floats_against_exact_arithmetic(dtype, data):
    code, kind = FLOATS[dtype]
    width = 8 * struct.calcsize(kind)
    finite = st.floats(width=width, allow_nan=False, allow_infinity=False)
    pairs = data.draw(st.lists(st.tuples(finite, finite), min_size=1, max_size=5))
    a, b = (np.array([p[i] for p in pairs], f"f{width // 8}") for i in (0, 1))
    size = size_of_values(value(dtype, a), value(dtype, b))
    differ = [(x, y) for x, y in pairs if struct.pack("d", x) != struct.pack("d", y)]
    if not differ:
        assert size == UNKNOWN
        return
    assert size.ulp == max(abs(place(code, kind, x) - place(code, kind, y)) for x, y in differ)
    exact = max(abs(Fraction(x) - Fraction(y)) for x, y in differ)
    if size.max_abs is None:
        assert exact > Fraction(1.7e308)
    else:
        assert size.max_abs == pytest.approx(float(exact), rel=1e-15)
    relative = max(
        abs(Fraction(x) - Fraction(y)) / max(abs(Fraction(x)), abs(Fraction(y))) if (x or y) else 0 for x, y in differ
    )
    assert size.max_rel == pytest.approx(float(relative), rel=1e-12, abs=5e-324 if exact else 0.0)
    assert size.note.startswith(f"{len(differ)} of {len(pairs)} elements differ, the first at [")


def test_neighbours_of_every_format_are_one_apart():
    for dtype in ("float16", "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2"):
        for one in (0, 1, 0x38, 0x7A):
            assert size_of_values(bits(dtype, one), bits(dtype, one + 1)).ulp == 1
    top = {"float16": 0x8000, "bfloat16": 0x8000, "float32": 0x80000000, "float64": 1 << 63, "float8_e5m2": 0x80}
    for dtype, sign in top.items():
        assert size_of_values(bits(dtype, 1), bits(dtype, sign | 1)).ulp == 2  # across zero
        zero = size_of_values(bits(dtype, 0), bits(dtype, sign))
        assert (zero.ulp, zero.max_abs, zero.max_rel) == (0, 0.0, 0.0)
        assert "only the sign of zero differs" in zero.note


def test_halves_and_eighths_in_numbers():
    assert size_of_values(bits("bfloat16", 0x3F80), bits("bfloat16", 0x3F81)).max_abs == 2.0**-7
    assert size_of_values(bits("float8_e4m3fn", 0x38), bits("float8_e4m3fn", 0x39)).max_abs == 0.125
    assert size_of_values(bits("float8_e5m2fnuz", 0x80), bits("float8_e5m2fnuz", 0x01)).note.endswith(
        "1 are NaN in run 1 only"
    )


def test_large_integers_are_subtracted_exactly():
    a, b = np.array([1], "i8"), np.array([2**54 - 1], "i8")
    assert size_of_values(value("int64", a), value("int64", b)).max_abs == float(2**54 - 2)


@given(st.sampled_from(["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]), st.data())
def test_integers(kind, data):
    dtype = np.dtype(kind)
    info = np.iinfo(dtype)
    a, b = data.draw(st.tuples(*[st.integers(int(info.min), int(info.max))] * 2))
    size = size_of_values(value(dtype.name, np.array([a], dtype)), value(dtype.name, np.array([b], dtype)))
    if a == b:
        assert size == UNKNOWN
    else:
        assert size.ulp is None
        assert size.max_abs == float(abs(a - b))
        assert 0 < size.max_rel <= 2


def test_booleans_and_complex_numbers():
    size = size_of_values(value("bool", [True, False]), value("bool", [True, True]))
    assert (size.max_abs, size.max_rel, size.ulp) == (1.0, 1.0, None)
    a = np.array([1 + 2j, 3 + 4j], np.complex64)
    b = a.copy()
    b[1] = 3 + 4.5j
    size = size_of_values(value("complex64", a), value("complex64", b))
    assert size.max_abs == 0.5
    assert size.note == "1 of 2 elements differ, the first at [1]"
    assert size.ulp == 2**20


def test_nan_and_infinity():
    def of(a, b):
        return size_of_values(value("float32", np.array(a, "f4")), value("float32", np.array(b, "f4")))

    size = of([1, math.nan, 2], [1.5, 1, 2])
    assert (size.max_abs, size.note) == (0.5, "2 of 3 elements differ, the first at [0]; 1 are NaN in run 1 only")
    size = of([math.nan], [1])
    assert (size.max_abs, size.max_rel, size.ulp) == (None, None, None)
    size = of([math.inf, 1], [1, 1])
    assert size.max_abs is None
    assert size.ulp > 0
    assert "infinite" in size.note
    size = of([math.inf], [-math.inf])
    assert size.max_abs is None
    payload = size_of_values(bits("float32", 0x7FC00000), bits("float32", 0x7FC00001))
    assert (payload.max_abs, payload.ulp) == (None, None)
    assert "NaN in both, with other bits" in payload.note


def test_huge_numbers_do_not_overflow():
    size = size_of_values(value("float64", np.array([1.7e308])), value("float64", np.array([-1.7e308])))
    assert size.max_abs is None
    assert size.max_rel == 2.0


def test_what_has_no_size():
    a = value("float32", np.zeros(3, "f4"))
    for other in (
        value("float64", np.zeros(3)),
        value("float32", np.zeros((1, 3), "f4")),
        Value("float32", (3,), memoryview(b"12345")),
    ):
        assert size_of_values(a, other) == UNKNOWN
    assert size_of_values(value("quint8", np.zeros(3, "u1")), value("quint8", np.ones(3, "u1"))) == UNKNOWN
    broken = Value("float32", (3,), memoryview(b"12345"))
    assert size_of_values(broken, broken) == UNKNOWN


def test_samples_say_that_they_are():
    a, b = (Value("float32", (100,), memoryview(np.array([x, 1], "f4").tobytes()), 50) for x in (1, 2))
    assert size_of_values(a, b).note == "1 of a sample of 2 elements differ"
    assert size_of_values(a, a).note == "no difference in the kept sample (every 50th element)"


def test_the_other_byte_order():
    a = Value("float32", (1,), memoryview(np.array([1.0], ">f4").tobytes()))
    b = Value("float32", (1,), memoryview(np.array([1.5], "<f4").tobytes()))
    assert size_of_values(a, b, ">", "<").max_abs == 0.5


@pytest.mark.parametrize(
    ("dtype", "a", "b", "expected"),
    [
        ("float", 1.0, math.nextafter(1, 2), (2.0**-52, 1)),
        ("float32", 1.0, 1.0 + 2.0**-23, (2.0**-23, 1)),
        ("float16", 1.0, 1.0 + 2.0**-10, (2.0**-10, 1)),
        ("bfloat16", 1.0, 1.0 + 2.0**-7, (2.0**-7, 1)),
        ("int64", 3.0, 5.0, (2.0, None)),
        ("int", 3.0, 5.0, (2.0, None)),
        ("bool", 0.0, 1.0, (1.0, None)),
        ("str", math.nan, math.nan, (None, None)),
        (None, 1.0, 2.0, (None, None)),
        ("complex", 1.0, 2.0, (None, None)),
    ],
)
def test_scalars_from_their_sketches(dtype, a, b, expected):
    size = size_of_scalars(dtype, a, b)
    assert (size.max_abs, size.ulp) == expected
    if expected[0] is not None:
        shown = {"int64": int, "int": int, "bool": bool}.get(dtype, float)
        assert size.note == f"{shown(a)!r} in run 1, {shown(b)!r} in run 2"


def test_whole_numbers_and_truths_are_shown_as_such():
    assert size_of_scalars("int64", 3.0, 5.0).note == "3 in run 1, 5 in run 2"
    assert size_of_scalars("bool", 0.0, 1.0).note == "False in run 1, True in run 2"
