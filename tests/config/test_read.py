"""Files that are no configuration."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reprotest.config import compose, load_config, read
from reprotest.config.node import plain
from reprotest.errors import ConfigError

Load = Callable[..., Any]

BOMB = "\n".join(["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)])
REFERENCE_BOMB = "\n".join(
    ["a0: [x]"] + ["a%d: [%s]" % (n, ", ".join(['"${a%d}"' % (n - 1)] * 9)) for n in range(1, 12)]  # noqa: UP031
)
TEXT_BOMB = "\n".join(["a0: xxxxxxxxxx"] + [f"a{n}: {f'${{a{n - 1}}}' * 9}" for n in range(1, 12)])

BAD = {
    "a file of 5 MB": ("a: " + "x" * 5_000_000, "c.yaml is larger than 4,000,000 bytes"),
    "a value of 3 MB": ("seed: 1\na: " + "x" * 3_000_000, "c.yaml:2:4: a value of 3,000,000 characters"),
    "a tab": ("a:\n\tb: 1", "c.yaml:2:1: not valid YAML:"),
    "a tab after spaces": ("a:\n  b: 1\n \tc: 2", "indent with spaces, not tabs"),
    "a key twice": ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3", "c.yaml:5:3: the key 'c' is given twice, first in line 3"),
    "a key twice in two ways": ("1: a\n1.0: b", "c.yaml:2:1: the key '1.0' is given twice, in another way of writing"),
    "a number and its text": ("1: a\n'1': b", "c.yaml:2:1: the key '1' is given twice"),
    "not UTF-8": (b"a: 1\nb: \xff\xfe", "c.yaml:2:4: not UTF-8 (invalid start byte): save the file as UTF-8"),
    "UTF-16": ("a: 1".encode("utf-16"), "c.yaml:1:1: not UTF-8"),
    "a NUL": ("a: 1\nb: \0", "c.yaml:2:4: the character #x0000 is not allowed in YAML"),
    "nested brackets": ("a: " + "[" * 100_000, "c.yaml:1:103: nested more than 100 deep"),
    "nested blocks": ("\n".join(" " * n + f"k{n}:" for n in range(2_000)), "c.yaml:101:101: nested more than 100 deep"),
    "an alias bomb": (BOMB, "c.yaml:6:40: more than 100,000 values, counting what aliases repeat"),
    "an alias bomb of references": (REFERENCE_BOMB, "more than 100,000 values, counting what references repeat"),
    "a bomb of text": (TEXT_BOMB, "a value of more than 1,000,000 characters"),
    "an alias of itself": ("a: &a [1, *a]", "c.yaml:1:11: *a stands inside of what it names"),
    "an alias of nothing": ("a: *b", "c.yaml:1:4: *b names nothing above: there is no &b"),
    "two documents": ("a: 1\n---\nb: 2", "c.yaml:2:1: a second document in one file"),
    "a list": ("- a\n- b", "c.yaml:1:1: a list: expected keys and values"),
    "a value": ("hello", "c.yaml:1:1: a single value: expected keys and values"),
    "code": ("a: !!python/object/apply:os.system [ls]", "c.yaml:1:4: the tag !!python/object/apply:os.system"),
    "a tag of somebody's": ("a: !secret x", "c.yaml:1:4: the tag !secret is not plain data"),
    "a list as a key": ("? [1, 2]\n: 3", "c.yaml:1:3: a list or mapping as a key: expected a name"),
    "a merge of a value": ("a:\n  <<: 3", "c.yaml:2:7: << takes a mapping or a list of mappings"),
    "an open quote": ("a: 'x", "c.yaml:1:6: not valid YAML: found unexpected end of stream"),
    "an unquoted reference in braces": ("a: {b: ${HOME}}", 'inside of { } and [ ], quote a reference: "${NAME}"'),
    "half a character": ('a: "\\ud800"', "c.yaml:1:7: not valid YAML"),
    "many keys": ("\n".join(f"k{n}: 1" for n in range(60_000)), "c.yaml:50000:9: more than 100,000 values"),
    "many digits": ("a: " + "9" * 900_000, "c.yaml:1:4: a number of 900,000 characters"),
    "many octal digits": ("a: 0o" + "7" * 900_000, "c.yaml:1:4: a number of 900,002 characters"),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_bad_files_are_refused_with_the_place(text: str | bytes, said: str, refused: Callable[..., str]) -> None:
    message = refused(text)
    assert said in message
    assert len(message) < 400


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"configs/x.yaml: there is no such file \(looked in .*/configs\)"):
        load_config("configs/x.yaml")
    with pytest.raises(ConfigError, match="Is a directory"):
        load_config(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config("a\0b")


def test_a_device_without_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="is larger than"):
        load_config("/dev/zero")


def test_a_pipe_is_read() -> None:
    readable, writable = os.pipe()
    os.write(writable, b"seed: 7")
    os.close(writable)
    assert load_config(f"/proc/self/fd/{readable}").seed == 7
    os.close(readable)


def test_empty_files_and_byte_order_marks(load: Load) -> None:
    assert load("") == {}
    assert load("# nothing yet\n") == {}
    assert load("---\n") == {}
    assert load("\ufeffseed: 1") == {"seed": 1}


def test_merge_keys_are_those_of_safe_load(load: Load) -> None:
    text = (
        "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: *a\n  x: 0\nd:\n  z: 0\n  <<: [*a, *b]\n"
        "e:\n  <<: *a\n  <<: *b\n"
    )
    assert load(text.rpartition("e:")[0]) == yaml.safe_load(text.rpartition("e:")[0])


@pytest.mark.parametrize("parser", ["CSafeLoader", "SafeLoader"])
def test_both_parsers_give_the_same(parser: str, baseline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(yaml, parser):
        pytest.skip("PyYAML was built without libyaml")
    monkeypatch.setattr(compose, "PARSER", getattr(yaml, parser))
    text = baseline.read_text()
    tree = read.parse(text + "list: [1, 'a', {b: c}]\n", "x")
    assert tree is not None
    assert plain(tree) == yaml.safe_load(text) | {"list": [1, "a", {"b": "c"}]}
    assert tree.items["model"].items["pretrained"].mark == ("x", 7, 15)  # type: ignore[union-attr, index]


leaves = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | st.text(max_size=20)
keys = st.text(max_size=12).filter(lambda key: key not in ("<<", "extends"))
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=20
)


@given(st.dictionaries(keys, trees, max_size=6))
def test_what_yaml_writes_is_read_as_safe_load_reads_it(data: dict[str, object]) -> None:
    text = yaml.safe_dump(data, allow_unicode=True)
    node = read.parse(text, "x")
    assert node is not None
    read_back = plain(node)
    expected = yaml.safe_load(text)
    assert _without_our_numbers(read_back, expected)


def _without_our_numbers(ours: object, theirs: object) -> bool:
    """Equal but for text that YAML 1.1 does not take for a number and 1.2 does (`1e5`, `0o7`), which PyYAML writes without quotes."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        pairs = zip(ours.items(), theirs.items(), strict=True)
        return all(str(a) == str(b) or not isinstance(a, str) for (a, _), (b, _) in pairs) and all(
            _without_our_numbers(a, b) for (_, a), (_, b) in zip(ours.items(), theirs.items(), strict=True)
        )
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_without_our_numbers, ours, theirs))
    if isinstance(theirs, str) and isinstance(ours, float | int):
        return True
    return type(ours) is type(theirs) and ours == theirs


FRAGMENTS = [
    "a: ", "b:\n", "  ", "\t", "- ", "&x ", "*x", "{", "}", "[", "]", ", ", "'", '"', "|\n", ">-\n", "# c\n", "---\n", "...\n",
    "? ", ": ", "!!int ", "!!str ", "!x ", "<<: ", "${", "}", ":-", "${a}", "${b.c}", "$${", "${HOME}", "env:", "extends: ",
    "c.yaml", "017", "1e-3", "12:30", "yes", "~", ".inf", "2024-01-01", "2024-99-99", "\n", "\r\n", "\0", "\ufeff", "\x85", "%YAML 1.2\n",
]  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=4), max_size=30)
    .map("".join)
    .map(lambda t: t.encode("utf-8", "replace"))
)
@example(b"a: !!timestamp x")
@example(b"a: !!bool x")
@example(b"a: !!float x")
@example(b"a: !!binary \xc3\xa4")
@example(b"? a\n? a")
@example(b"=: =")
@example(b"a: =")
def test_any_file_is_read_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "c.yaml")
        file.write_bytes(content)
        with contextlib.suppress(ConfigError):
            load_config(file, env_file=False)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    test_any_file_is_read_or_refused.hypothesis.inner_test(content)  # type: ignore[attr-defined]
