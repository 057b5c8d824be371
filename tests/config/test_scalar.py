from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reprotest.config import scalar

Load = Callable[..., Any]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        ("-2e+4", -20000.0),
        ("1.5e3", 1500.0),
        (".5e1", 5.0),
        ("1_0e1", 100.0),
        ("1e", "1e"),
        ("e3", "e3"),
        ("1e-3x", "1e-3x"),
        ("0o7", 7),
        ("-0o17", -15),
        ("0o8", "0o8"),
        ("12:30", "12:30"),
        ("190:20:30.5", "190:20:30.5"),
        ("yes", True),
        ("no", False),
        ("on", True),
        ("Off", False),
        ("y", "y"),
        ("~", None),
        ("", None),
        ("null", None),
        ("0x1F", 31),
        ("0b11", 3),
        ("1_000", 1000),
        ("0", 0),
        ("-0", 0),
        ("0.10", 0.1),
        (".inf", math.inf),
        ("2024-01-31", datetime.date(2024, 1, 31)),
        ("<<", "<<"),
        ("=", "="),
    ],
)
def test_unquoted(text: str, value: object) -> None:
    read, doubt = scalar.read(text, None, plain=True)
    assert (read, type(read), doubt) == (value, type(value), None)


@pytest.mark.parametrize("text", ["010", "0123", "08", "-017", "00_1"])
def test_numbers_that_the_versions_of_yaml_read_differently(text: str) -> None:
    value, doubt = scalar.read(text, None, plain=True)
    assert value == text
    assert doubt is not None
    assert "drop the leading zero, or quote it" in doubt


@pytest.mark.parametrize("text", ["1e-3", "010", "12:30", "no", "~", "2024-01-31", "1"])
def test_quoted_is_text(text: str) -> None:
    assert scalar.read(text, None, plain=False) == (text, None)
    assert scalar.read(text, "!", plain=True) == (text, None)
    assert scalar.read(text, "tag:yaml.org,2002:str", plain=True) == (text, None)


@pytest.mark.parametrize(
    ("text", "tag", "said"),
    [
        ("abc", "float", "'abc' is no float"),
        ("maybe", "bool", "'maybe' is no bool"),
        ("x", "timestamp", "'x' is no timestamp"),
        ("ä", "binary", "'ä' is no binary"),
        ("x", "set", "the tag !!set is not plain data"),
        ("x", "python/name:os.system", "the tag !!python/name:os.system is not plain data"),
    ],
)
def test_tags_that_do_not_fit(text: str, tag: str, said: str) -> None:
    with pytest.raises(scalar.NotPlain, match=said):
        scalar.read(text, f"tag:yaml.org,2002:{tag}", plain=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2024-13-01", "is no timestamp \\(month must be in 1..12\\); quote it if it is text"),
        ("1e999", "larger than a float can hold: write .inf"),
        ("9" * 500, "a number of 500 characters; quote it if it is text"),
        ("0x" + "f" * 500, "a whole number of 502 digits"),
    ],
)
def test_what_looks_like_a_number_and_is_none(text: str, said: str) -> None:
    with pytest.raises(scalar.NotPlain, match=said):
        scalar.read(text, None, plain=True)


def test_tags(load: Load) -> None:
    assert load("a: !!float 3\nb: !!str 3\nc: !!binary aGk=\nd: !!int '7'\ne: !!map {f: !!seq [1]}") == {
        "a": 3.0,
        "b": "3",
        "c": b"hi",
        "d": 7,
        "e": {"f": [1]},
    }


def test_keys_are_text_unless_they_are_numbers(load: Load) -> None:
    assert load("on: 1\nno: 2\n2024-01-01: 3\n~: 4\n30: 5\n0.5: 6\n'7': 8\n1.10: 9") == {
        "on": 1,
        "no": 2,
        "2024-01-01": 3,
        "~": 4,
        30: 5,
        0.5: 6,
        "7": 8,
        "1.10": 9,
    }


@given(st.text(st.sampled_from("0123456789abefxo+-._: eEyn"), max_size=12))
def test_everything_else_is_as_in_safe_load(text: str) -> None:
    text = text.strip()
    try:
        expected = yaml.safe_load(f"- {text}")[0]
    except (yaml.YAMLError, ValueError, TypeError):
        return
    if isinstance(expected, dict) or (str(expected) != text and isinstance(expected, str | list)):
        return  # not a scalar
    try:
        value, doubt = scalar.read(text, None, plain=True)
    except scalar.NotPlain:
        assert scalar.EXPONENT.fullmatch(text)
        return
    if doubt or ":" in text or scalar.EXPONENT.fullmatch(text) or scalar.OCTAL.fullmatch(text):
        return
    assert value == expected or (value != value and expected != expected)
    assert type(value) is type(expected)
