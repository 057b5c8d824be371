"""The lock as a file: round trip, stable text, hostile content, never half written."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprotest.compare.outcome import Outcome
from reprotest.errors import RecordError, StorageError
from reprotest.lock import file
from reprotest.lock.file import Locked, PlatformClass
from reprotest.lock.tolerance import Tolerance

NAMES = st.text(min_size=1, max_size=8)
TEXTS = st.dictionaries(NAMES, st.text(max_size=12), max_size=3)
HEX = st.text("0123456789abcdef", min_size=16, max_size=16)
OUTCOMES = st.builds(
    Outcome,
    HEX,
    st.sampled_from(["xxh3_128", "output"]),
    st.integers(0, 10**6),
    st.dictionaries(NAMES, st.lists(st.tuples(st.integers(0, 99), HEX), max_size=3).map(tuple), max_size=2),
    st.dictionaries(NAMES, st.floats(allow_nan=False), max_size=3),
)
CLASSES = st.builds(PlatformClass, TEXTS, OUTCOMES, st.none() | HEX)
FACTORS = st.lists(NAMES, max_size=3, unique=True).map(lambda names: tuple(sorted(names)))
LOCKS = st.dictionaries(
    NAMES,
    st.builds(
        Locked,
        command=st.lists(st.text(), min_size=1, max_size=3).map(tuple),
        directory=st.sampled_from([".", "examples/a"]),
        steps=st.none() | st.integers(1, 99),
        depends_on=FACTORS,
        independent_of=FACTORS,
        seeds=TEXTS,
        config=TEXTS,
        data=TEXTS,
        tolerances=st.dictionaries(NAMES, st.just(Tolerance("ulp", 4.0)), max_size=2),
        classes=st.lists(CLASSES, max_size=3, unique_by=lambda c: tuple(sorted(c.platform.items()))).map(
            lambda classes: tuple(sorted(classes, key=lambda c: sorted(c.platform.items())))
        ),
    ),
    max_size=3,
)


@settings(deadline=None, max_examples=40)
@given(LOCKS)
def test_round_trip(tmp_path_factory, lock):
    path = tmp_path_factory.mktemp("lock") / file.NAME
    path.write_text(file.dumps(lock), encoding="utf-8")
    assert file.read(path) == lock
    assert file.dumps(file.read(path)) == path.read_text(encoding="utf-8")


def test_the_text_does_not_depend_on_the_order_of_making():
    a, b = Locked(("a.py",)), Locked(("b.py",))
    assert file.dumps({"a": a, "b": b}) == file.dumps({"b": b, "a": a})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<<<<<<< HEAD\n", "not valid TOML"),
        ("\xff", "schema"),
        ('schema = "reprotest.lock/9"', "use a newer reprotest"),
        ('schema = "reprotest.lock/1"\nexperiments = 3', "cannot be understood"),
        ('schema = "reprotest.lock/1"\n[experiments.a]\n', "command"),
        ('schema = "reprotest.lock/1"\n[experiments.a]\ncommand = "rm -rf"\n', "expected a list of words"),
        ('schema = "reprotest.lock/1"\n[experiments.a]\ncommand = ["a"]\ntolerances = {x = "3"}', "is no tolerance"),
        ('schema = "reprotest.lock/1"\n[experiments.a]\ncommand = ["a"]\nclasses = [{digest = 1}]', "cannot be read"),
    ],
)
def test_damage_is_an_error_message(tmp_path, text, said):
    (tmp_path / file.NAME).write_text(f"# {text}" if text == "\xff" else text, encoding="utf-8")
    with pytest.raises(RecordError, match=said):
        file.read(tmp_path / file.NAME)
    assert file.referred(tmp_path) == frozenset()


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_any_change_to_a_lock_is_a_lock_or_an_error_message(tmp_path_factory, data):
    sample = Locked(
        ("a.py",), steps=3, seeds={"s": "1"}, classes=(PlatformClass({"cpu.isa": "x"}, Outcome("a", "b", 3, {"main": ((1, "c"),)}, {"l": 0.5})),)
    )  # fmt: skip
    text = bytearray(file.dumps({"a": sample}).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    path = tmp_path_factory.mktemp("lock") / file.NAME
    path.write_bytes(text)
    try:
        file.read(path)
    except RecordError as error:
        assert file.NAME in str(error)  # noqa: PT017


def test_it_is_found_from_below_but_not_beyond_the_repository(tmp_path):
    inner = tmp_path / "repository" / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / file.NAME).write_text("")
    (tmp_path / "repository" / ".git").mkdir()
    assert file.locate(inner) == inner / file.NAME
    (tmp_path / "repository" / file.NAME).write_text("")
    assert file.locate(inner) == tmp_path / "repository" / file.NAME


def test_a_write_that_fails_leaves_the_old_lock(tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    path = tmp_path / file.NAME
    file.write(path, {"a": Locked(("a.py",))}, scratch)
    before = path.read_text()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageError, match="cannot write"):
        file.write(path, {"b": Locked(("b.py",))}, scratch)
    assert path.read_text() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == [file.NAME, "scratch"]
    assert list(scratch.iterdir()) == []
