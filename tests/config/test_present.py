from __future__ import annotations

import datetime
import enum
import hashlib
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr

from reprotest.config import Config, config_digest, format_config, load_config, plain_data, print_config
from reprotest.config.present import canonical
from reprotest.errors import UsageError

Load = Callable[..., Any]


class Kind(enum.Enum):
    A = "a"


class Model(BaseModel):
    lr: float = 1e-3
    kind: Kind = Kind.A
    out: Path = Path("out")
    day: datetime.date = datetime.date(2024, 1, 31)
    delta: datetime.timedelta = datetime.timedelta(minutes=1)
    token: SecretStr = SecretStr("hunter2")
    rate: float = Field(0.5, alias="learning-rate")
    tags: set[str] = {"b", "a"}
    pair: tuple[int, int] = (1, 2)


@dataclass
class Plain:
    x: int = 1
    path: Path = Path("p")


def test_models_and_dataclasses_as_plain_data() -> None:
    assert plain_data(Model()) == {
        "lr": 0.001,
        "kind": "a",
        "out": "out",
        "day": datetime.date(2024, 1, 31),
        "delta": "PT1M",
        "token": "***",
        "learning-rate": 0.5,
        "tags": ["a", "b"],
        "pair": [1, 2],
    }
    assert canonical(Model())["day"] == "2024-01-31"
    assert plain_data({"a": [Plain()]}) == {"a": [{"x": 1, "path": "p"}]}
    with pytest.raises(UsageError, match="a is a object, which is no plain data"):
        plain_data({"a": object()})


def test_the_digest_is_of_what_is_said_not_of_how(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("lr: 1e-3\nmodel: {depth: 18, name: x}\nn: 16")
    (tmp_path / "base.yaml").write_text("model:\n  name: x\nn: 3")
    (tmp_path / "b.yaml").write_text("extends: base.yaml\nmodel: {depth: '${n}'}\nn: 0x10\nlr: 0.0010")
    a, b = load_config("a.yaml"), load_config("b.yaml", overrides=["model.depth=18"])
    assert config_digest(a) == config_digest(b)
    assert config_digest(a) == config_digest(dict(b))
    assert len(config_digest(a)) == 7 + 64
    for change in ("lr=0.002", "lr=1", "model.name=y", "n=16.0", "n='16'", "+new=null"):
        assert config_digest(load_config("a.yaml", overrides=[change])) != config_digest(a)


def test_the_digest_of_known_data() -> None:
    """A fixed point: records of different versions of reprotest can be compared."""
    written = '{"a":{"t":true,"\\u00e4":null},"b":[1,2.0,1e-07]}'
    expected = "sha256:" + hashlib.sha256(written.encode()).hexdigest()
    assert config_digest({"b": [1, 2.0, 1e-07], "a": {"ä": None, "t": True}}) == expected


def test_secrets_do_not_enter_the_digest(load: Load) -> None:
    one = load("user: me\nkey: ${API_KEY}\npassword: abc", environ={"API_KEY": "one-secret"})
    two = load("user: me\nkey: ${API_KEY}\npassword: def", environ={"API_KEY": "two-secret"})
    assert config_digest(one) == config_digest(two)


def test_a_secret_variable_is_hidden_in_a_models_plain_field(load: Load) -> None:
    class Remote(BaseModel):
        url: str
        note: str = ""

    config = load(
        "url: https://me:${PASSWORD}@host/x\nnote: the password is ${PASSWORD}",
        Remote,
        environ={"PASSWORD": "hunter2secret"},
    )
    assert config.url == "https://me:hunter2secret@host/x"
    assert "hunter2" not in format_config(config)


FLOATS = st.floats(allow_nan=False)
leaves = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | FLOATS | st.text(max_size=20) | st.dates()
texts = st.sampled_from(
    [
        "1e-3",
        "1E5",
        "0o7",
        "017",
        "12:30",
        "no",
        "~",
        "2024-01-01",
        "1_0e2",
        "<<",
        "=",
        "${X}",
        "$${",
        "$$${X}",
        ".inf",
        "- a",
    ]
)
keys = st.text("abcxyz_-. :#{'\"1", min_size=1, max_size=8).filter(lambda key: key != "extends")
trees = st.recursive(
    leaves | texts, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(keys, trees, max_size=5))
def test_what_is_printed_reads_back_as_the_same(load: Load, data: dict[str, Any]) -> None:
    config = Config(data)
    printed = format_config(config)
    assert load(printed, env_file=False) == plain_data(config)


def test_special_floats(load: Load) -> None:
    config = load("a: .inf\nb: -.inf\nc: .nan\nd: 1e-07\ne: -0.0")
    assert format_config(config) == "a: .inf\nb: -.inf\nc: .nan\nd: 1.0e-07\ne: -0.0\n"
    assert math.isnan(load(format_config(config)).c)
    assert config_digest(config) == config_digest(load(format_config(config)))


def test_print_config_writes_where_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    print_config({"a": 1, "api_key": "hunter2"})
    assert capsys.readouterr().out == "a: 1\napi_key: '***'\n"
    file = io.StringIO()
    print_config(Plain(), file)
    assert file.getvalue() == "x: 1\npath: p\n"
