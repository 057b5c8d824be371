"""What is written as TOML is read back as it was."""

from __future__ import annotations

import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprotest.lock.toml import dumps

SCALARS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text()
VALUES = SCALARS | st.lists(SCALARS, max_size=4)
TABLES = st.recursive(
    st.dictionaries(st.text(), VALUES, max_size=4),
    lambda inner: st.dictionaries(st.text(), VALUES | inner | st.lists(inner, min_size=1, max_size=3), max_size=4),
    max_leaves=12,
)


@given(TABLES)
def test_round_trip(document):
    assert tomllib.loads(dumps(document)) == document


def test_nan_keeps_being_none_of_the_numbers():
    assert math.isnan(tomllib.loads(dumps({"x": math.nan}))["x"])


def test_the_form():
    document = {"b": 1, "a": [1.5, "x"], "t": {"z y": {"k": True}, "l": [{"n": 1}, {"n": 2}]}}
    assert dumps(document) == ('a = [1.5, "x"]\nb = 1\n\n[[t.l]]\nn = 1\n\n[[t.l]]\nn = 2\n\n[t."z y"]\nk = true\n')


def test_what_has_no_form_is_refused():
    with pytest.raises(TypeError, match="no form in TOML"):
        dumps({"x": None})
