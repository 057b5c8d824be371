"""Digests of anything repeat from process to process and see every value inside."""

from __future__ import annotations

import array
import datetime
import decimal
import enum
import functools
import os
import pathlib
import random
import subprocess
import sys
import threading
import uuid
from collections import Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprotest.digest import Overlooked, digest_object, fingerprint, walk

Point = namedtuple("Point", "x y")


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 1


@dataclass
class Config:
    rate: float = 0.1
    layers: list = field(default_factory=lambda: [1, 2])


class Slotted:
    __slots__ = ("__hidden", "value")

    def __init__(self, value, hidden):
        self.value, self.__hidden = value, hidden


class Saving:
    """Says itself what it consists of; its cache is not part of it."""

    def __init__(self, value, cache):
        self.value, self.cache = value, cache

    def __getstate__(self):
        return {"value": self.value}


class Broken:
    def __init__(self):
        self.value = 1

    def __getstate__(self):
        raise RuntimeError("not now")


def make(value):
    """Pairs of values must differ when `value` does."""
    rng = random.Random(value)
    return {
        "int": value, "big": 10**30 + value, "negative": -value - 1, "float": value / 7, "complex": complex(value, 1),
        "str": f"text {value}", "bytes": bytes([value]), "bytearray": bytearray([value]),
        "list": [1, value], "nested": [[1, [value]], "x"], "tuple": (1.5, float(value)), "strings": ["a", f"b{value}"],
        "mixed": [1, 2.0, "3", None, value], "dict": {"a": 1, "b": value}, "keys": {value: 1}, "tuple key": {(1, value): 2},
        "set": {"a", f"b{value}"}, "frozenset": frozenset({1, value + 5}), "set of tuples": {(1, value)}, "set of frozensets": {frozenset({value})},
        "ordered": OrderedDict(a=1, b=value), "counter": Counter("ab" * (value + 1)), "default": defaultdict(list, a=[value]),
        "deque": deque([1, value]), "user dict": UserDict(a=value), "proxy": MappingProxyType({"a": value}),
        "named tuple": Point(1, value), "dataclass": Config(rate=value), "namespace": SimpleNamespace(a=value),
        "slots": Slotted(1, value), "saving": Saving(value, 0), "partial": functools.partial(max, value),
        "range": range(value + 2), "slice": slice(value), "array": array.array("i", [value]),
        "date": datetime.date(2020, 1, value + 1), "delta": datetime.timedelta(value), "decimal": decimal.Decimal(value),
        "fraction": Fraction(value + 1, 7), "uuid": uuid.UUID(int=value), "path": pathlib.Path(f"a/{value}"),
        "random": rng, "exception": ValueError("x", value),
    }  # fmt: skip


@pytest.mark.parametrize("kind", make(0))
def test_equal_values_agree_and_others_do_not(kind):
    a, b, c = make(3)[kind], make(3)[kind], make(4)[kind]
    assert digest_object(a) == digest_object(b) == digest_object([a])[:0] + digest_object(a)
    assert digest_object(a) != digest_object(c)
    assert digest_object([a, 1]) == digest_object([b, 1]) != digest_object([c, 1])


def test_all_kinds_are_told_apart():
    digests = [digest_object(value) for value in make(3).values()]
    assert len(set(digests)) == len(digests)


def test_types_of_numbers_are_told_apart():
    values = [1, 1.0, True, 1 + 0j, "1", b"1", None, [], (), {}, set(), frozenset(), [1], (1,), [1.0], [True], [[]], ""]
    assert len({digest_object(value) for value in values}) == len(values)


def test_sees_what_equality_does_not():
    assert digest_object(0.0) != digest_object(-0.0)
    assert digest_object(float("nan")) == digest_object(float("nan"))
    assert digest_object([0.0, 1.0]) != digest_object([-0.0, 1.0])
    assert digest_object(Colour.RED) != digest_object(Colour.BLUE) != digest_object(2)
    assert digest_object(Level.LOW) != digest_object(1)


def test_dictionaries_and_sets_without_order_lists_and_ordered_ones_with():
    assert digest_object({"a": 1, "b": 2}) == digest_object({"b": 2, "a": 1})
    assert digest_object(OrderedDict(a=1, b=2)) != digest_object(OrderedDict(b=2, a=1))
    assert digest_object([1, "a"]) != digest_object(["a", 1])
    words = {f"{i}" for i in range(1000)}
    grown = set()
    for word in sorted(words):
        grown.add(word)
    assert digest_object(grown) == digest_object(words)


def test_text_is_not_glued_together():
    assert digest_object(["ab", "c"]) != digest_object(["a", "bc"])
    assert digest_object({"a": "b", "c": ""}) != digest_object({"a": "", "c": "b"})
    assert digest_object(["\ud800"]) != digest_object(["\udfff"])  # lone surrogates, as in undecodable file names


def test_classes_functions_and_modules_by_name():
    assert digest_object(os.path.join) == digest_object(os.path.join) != digest_object(os.path.split)
    assert digest_object(Config) != digest_object(Slotted)
    assert digest_object(os) != digest_object(sys)
    assert digest_object(Config().__init__) != digest_object(Config(rate=2).__init__)
    assert digest_object([].append) != digest_object([].pop)
    assert digest_object(lambda: 1) == digest_object(lambda: 1)  # the same place in the source, not the same address


def test_cycles_end():
    a: list = [1]
    a.append(a)
    b: list = [1]
    b.append(b)
    assert digest_object(a) == digest_object(b)
    node = SimpleNamespace(name="x")
    node.me = {"again": [node]}
    assert len(digest_object(node)) == 16

    class Hashable:
        def __init__(self):
            self.friends = {self}

    assert digest_object(Hashable()) == digest_object(Hashable())
    loop: dict = {}
    loop[Hashable()] = loop
    assert len(digest_object(loop)) == 16


def test_what_cannot_be_looked_into_is_its_type_and_counted():
    seen = Overlooked()
    value = {"lock": threading.Lock(), "generator": (i for i in ()), "x": 1}
    digest = digest_object(value, seen)
    assert digest == digest_object({**value, "lock": threading.Lock(), "generator": (i for i in ())})
    assert seen.opaque["_thread.lock"] == seen.opaque["generator"] == 1
    assert sum(seen.opaque.values()) == 2
    assert digest_object(object()) == digest_object(object())


def test_an_object_that_cannot_save_itself_is_its_attributes():
    a, b = Broken(), Broken()
    assert digest_object(a) == digest_object(b)
    b.value = 2
    assert digest_object(a) != digest_object(b)


def test_long_mixed_lists_are_one_leaf():
    column = [None, "text", 1.5, 2] * 50_000
    assert [path for path, _ in walk({"c": column})] == ["['c']"]
    assert digest_object(column) == digest_object(list(column)) != digest_object([*column[:-1], 3])
    assert digest_object(column) != digest_object([*column[:-1], 2.0])


def test_iterators_are_not_consumed():
    numbers = iter([1, 2, 3])
    digest_object([numbers, zip([1], [2], strict=True)])
    assert list(numbers) == [1, 2, 3]


def test_size_and_depth_are_bounded():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    seen = Overlooked()
    digest_object(deep, seen)
    assert seen.cut == 1
    seen = Overlooked()
    assert len(digest_object([[i] for i in range(300_000)], seen)) == 16
    assert seen.cut > 0
    seen = Overlooked()
    assert digest_object(list(map(float, range(1_000_000))), seen) != digest_object(
        list(map(float, range(1, 1_000_001)))
    )
    assert seen.cut == 0  # plain numbers are one leaf


def test_measured_times_are_left_out():
    seen = Overlooked()
    a, b = {"score": [1.0], "mean_fit_time": [0.1]}, {"score": [1.0], "mean_fit_time": [0.2]}
    assert digest_object(a, seen) == digest_object(b) != digest_object({"score": [2.0], "mean_fit_time": [0.1]})
    assert seen.times == 1
    assert digest_object(SimpleNamespace(refit_time_=1, x=2)) == digest_object(SimpleNamespace(refit_time_=3, x=2))


def test_fingerprint_names_dtype_and_shape():
    assert fingerprint(1.5)[1:] == ("float", None)
    assert fingerprint(True)[1:] == ("bool", None)
    assert fingerprint([1.0, 2.0])[1:] == ("list", (2,))
    assert fingerprint(Config())[1] == f"{__name__}.Config"


PROGRAM = """
import sys
sys.path[:0] = sys.argv[1].split(":")
import importlib.util
spec = importlib.util.spec_from_file_location("test_objects", sys.argv[2])
module = sys.modules["test_objects"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
for kind, value in module.make(3).items():
    print(kind, module.digest_object(value).hex())
print([path for path, _ in module.walk(module.make(3))])
"""


def test_digests_repeat_in_another_process_with_another_hash_seed():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM, ":".join(sys.path), __file__],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1
    assert "uuid" in outputs.pop()


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


def exact(value):
    """A form whose equality is the equality of digests: types and the sign of zero count, the order of dictionaries does not."""
    if isinstance(value, (list, tuple)):
        return type(value).__name__, tuple(map(exact, value))
    if isinstance(value, dict):
        return "dict", frozenset((exact(k), exact(v)) for k, v in value.items())
    return type(value).__name__, repr(value)


@given(plain, plain)
def test_digests_are_equal_exactly_when_values_are(a, b):
    assert (digest_object(a) == digest_object(b)) == (exact(a) == exact(b))


@given(plain)
def test_walking_covers_every_leaf_once(value):
    paths = [path for path, _ in walk(value)]
    assert len(set(paths)) == len(paths)
